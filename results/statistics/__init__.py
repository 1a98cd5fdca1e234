"""Statistics of scores over seeds: pure functions of numbers. Nothing here knows a sweep or a table.

| file | what it is |
|---|---|
| `expected_best.py` | The expected best score among n configurations, for every budget n |
| `intervals.py` | Statistics over seeds: intervals of a mean and paired comparisons |
| `optimism.py` | The optimism of the best mean: how much it overstates, estimated from the same scores |
| `paired.py` | Paired differences: the sign-flip test, Holm's correction, and the effect size |
| `pareto.py` | Pareto dominance of several objectives: the fronts, and the knee of the first front |
| `probability_best.py` | The probability of being the best, for configurations whose scores vary over seeds |
| `tied_set.py` | The tied set: the configurations that are not distinguishable from the best one |
| `variance_split.py` | The split of the variance of scores into hyperparameters and seeds |
"""

__all__ = [
    "expected_best",
    "intervals",
    "optimism",
    "paired",
    "pareto",
    "probability_best",
    "tied_set",
    "variance_split",
]
