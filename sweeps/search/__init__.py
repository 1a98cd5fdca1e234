"""Proposals, early stopping and the budget of the search, all repeatable from records. The jobs that follow from
proposals are in `jobs`.

| file | what it is |
|---|---|
| `budget.py` | How much of its budget a search has used, from its records |
| `early_stopping.py` | Early stopping of weak trials, by thresholds that do not depend on timing |
| `importance.py` | The importance of each searched parameter for the search scores, by Optuna's evaluators |
| `optuna_file.py` | The file with Optuna's study of the search, a view for optuna-dashboard |
| `optuna_space.py` | The search space for Optuna: distributions of its parameters, and values from a trial |
| `optuna_trials.py` | The search as trials of Optuna, built from the records: trial n is proposal n |
| `outcomes.py` | The outcome of a configuration in the search, from the records of its runs |
| `proposer.py` | Proposals of configurations, repeatable to the last digit |
| `results.py` | The ranking of candidates after the search, over complete sets of its seeds |
| `samplers.py` | The samplers of a search: Optuna's, made anew for each proposal, and Sobol points |
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
