"""Constants and weights chosen after training, from cached logits. The phase of a sweep that does so is in
`sweeps.debiasing`.

| file | what it is |
|---|---|
| `cached_logits.py` | Debiasing after training: the three constants and the three weights of `TIE_w`, chosen from cached logits |
| `fit.py` | `learned`: weights of the natural direct effects, fitted to the task loss after training |
| `vector.py` | The six numbers that a prediction of CausalMER may choose after training |
"""

__all__ = ["cached_logits", "fit", "vector"]
