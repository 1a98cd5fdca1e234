"""The phase after training: constants and weights for the selected configuration, chosen on validation.

The equations of a vector, and the method `learned`, are in `causalmer_core.debiasing`.

| file | what it is |
|---|---|
| `folds.py` | Folds of the validation split, and unbiased gains of a choice that is made after training |
| `phase.py` | The phase `debias`: chooses vectors for the selected configuration on validation alone |
| `search.py` | The method `searched`: constants and weights for the best metric, guarded against lucky vectors |
"""

__all__ = ["folds", "phase", "search"]
