"""Proposals, early stopping and the budget of the search, all repeatable from records. The jobs that follow from
proposals are in `jobs`.

| file | what it is |
|---|---|
| `budget.py` | What a search has used of its budget, from its records |
| `early_stopping.py` | When a weak trial is cut, by rules whose decisions do not depend on timing |
| `importance.py` | How much each searched parameter matters for the search's scores, as Optuna's evaluators see it |
| `optuna_file.py` | Optuna's study of the search in a file beside the records, for optuna-dashboard: a view that nothing is read from |
| `optuna_space.py` | The search space for Optuna: distributions of its parameters, and values from a trial |
| `optuna_trials.py` | The search as trials of Optuna, made from the records: trial n is proposal n |
| `outcomes.py` | What came of a configuration in the search, from the records of its runs |
| `proposer.py` | Proposals of configurations, repeatable to the last digit |
| `results.py` | What the search found, of complete sets of its seeds: a seed that failed makes a set incomplete, never smaller |
| `samplers.py` | The samplers of Optuna, each made anew for one proposal from that proposal's own random stream |
| `warm_start.py` | Warm start: what an earlier sweep found out teaches the sampler before the first proposal |
"""

__all__ = [
    "budget",
    "early_stopping",
    "importance",
    "optuna_file",
    "outcomes",
    "proposer",
    "results",
    "warm_start",
]
