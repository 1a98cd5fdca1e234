"""The resources that one trial asks of a node, and its share of a GPU.

The measurement of a trial's needs is in `nodes`.

| file | what it is |
|---|---|
| `gpu_share.py` | The share of a GPU that a trial gets, from its measured memory |
| `trial_resources.py` | The resources that one trial asks of the cluster, checked before anything starts |
"""

__all__ = ["gpu_share", "trial_resources"]
