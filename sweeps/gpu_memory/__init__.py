"""How much of a GPU each run gets: measured on the largest configuration. Requests to Ray are in `cluster`.

| file | what it is |
|---|---|
| `largest.py` | The largest configuration that a sweep can train, by its estimated memory |
| `measures.py` | Measured memory of training on a GPU, and the share of a GPU that follows from it |
| `share_plan.py` | The plan of GPU shares for the jobs of a sweep: given by the user, or measured |
"""

__all__ = ["share_plan"]
