"""What scores over seeds say: pure functions of numbers. They know no sweep and no table.

| file | what it is |
|---|---|
| `expected_best.py` | How good the best of n configurations is to be expected, for every budget n |
| `intervals.py` | Statistics over seeds: intervals of a mean and paired comparisons |
| `optimism.py` | How much better the best of several configurations looks than it is, estimated from the scores that chose it |
| `paired.py` | The sign-flip permutation test of paired differences |
| `pareto.py` | Several objectives at once: who is beaten by whom, in which order the rest stands, and where the front bends |
| `probability_best.py` | The chance of being the best, for configurations whose scores vary from seed to seed |
| `tied_set.py` | The configurations that cannot be told from the best one |
| `variance_split.py` | How much of what scores vary by is hyperparameters, and how much seeds |
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
