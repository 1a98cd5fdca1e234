"""How much of a GPU each run gets: measured on the largest configuration. Asking Ray for it is in `cluster`.

| file | what it is |
|---|---|
| `largest.py` | The largest configuration that a sweep can train, by a size that is counted (`causalmer_core.training.memory_estimate`) |
| `measures.py` | What training was measured to take of a GPU, and the share of one that follows from it |
| `share_plan.py` | How much of a GPU the jobs of a sweep get, decided when Ray is there: given, measured before, or measured now |
"""

__all__ = ["share_plan"]
