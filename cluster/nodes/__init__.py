"""What the nodes of a cluster are: their size, versions, clock, shared storage and GPU memory. It is asked before runs
start, never while they train.

| file | what it is |
|---|---|
| `check_nodes.py` | Looking at every node of a cluster before a sweep: what it has, its clock, and the place that all must share |
| `memory_probe.py` | Measuring what training takes of a GPU: on a GPU of the cluster, in a process of its own |
| `node_probe.py` | What a node says of itself and of a place that it shares with others |
| `node_report.py` | What is known of the nodes of a cluster, and what of it would make a sweep fail |
| `storage_probe.py` | The place of all sweeps that the nodes of a cluster share: how a preflight tries it, and what to do where they do not |
"""

__all__ = ["check_nodes", "memory_probe", "node_probe", "node_report", "storage_probe"]
