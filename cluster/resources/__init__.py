"""What one trial asks of a node, and which share of a GPU it gets. Measuring what a trial needs is in `nodes`.

| file | what it is |
|---|---|
| `gpu_share.py` | Which share of a GPU a trial is given, from the memory that it was measured to take |
| `trial_resources.py` | What one trial asks of the cluster, checked before anything starts |
"""

__all__ = ["gpu_share", "trial_resources"]
