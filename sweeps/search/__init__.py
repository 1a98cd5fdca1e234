"""Proposals, early stopping and the budget of the search, all repeatable from records. The jobs that follow from
proposals are in `jobs`.

| file | what it is |
|---|---|
| `budget.py` | How much of its budget a search has used, from its records |
| `early_stopping.py` | Early stopping of weak trials, by thresholds that do not depend on timing |
| `importance.py` | How much each searched parameter matters for the search's scores, as Optuna's evaluators see it |
| `optuna_file.py` | Optuna's study of the search in a file beside the records, for optuna-dashboard: a view that nothing is read from |
| `optuna_trials.py` | The search as trials of Optuna, made from the records: trial n is proposal n |
| `outcomes.py` | The outcome of a configuration in the search, from the records of its runs |
| `proposer.py` | Proposals of configurations, repeatable to the last digit |
| `results.py` | The ranking of candidates after the search, over complete sets of its seeds |
| `samplers.py` | The samplers of Optuna, each made anew for one proposal from that proposal's own random stream |
| `sobol.py` | Proposals spread evenly over the space: points of a scrambled Sobol sequence (Owen, J |
| `warm_start.py` | Warm start: the sampler learns configurations of an earlier sweep before the first proposal |
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
