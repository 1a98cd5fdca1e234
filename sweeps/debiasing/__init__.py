"""The phase after training: constants and weights for the selected configuration, chosen on validation. The choice
itself is in `causalmer_core.debiasing`.

| file | what it is |
|---|---|
| `folds.py` | Folds inside the validation split, and what a choice made after training honestly gains |
| `phase.py` | The phase `debias`: vectors chosen after training for each run of the selected configuration, on validation alone |
| `search.py` | `searched`: constants and weights for the best value of a metric, so that a lucky vector does not win |
"""

__all__ = ["folds", "phase", "search"]
