"""The choice of constants and weights after training, from cached logits.

The phase of a sweep that makes this choice is in `sweeps.debiasing`.

| file | what it is |
|---|---|
| `cached_logits.py` | Debiasing after training: predictions for any constants and weights, from cached logits |
| `fit.py` | Weights of the natural direct effects, fitted to the task loss after training (`learned`) |
| `vector.py` | The debiasing vector: the six numbers of a prediction that can be chosen after training |
"""

__all__ = ["cached_logits", "fit", "vector"]
