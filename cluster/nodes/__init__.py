"""Checks of a cluster's nodes: size, versions, clock, shared storage and GPU memory.

They run before a sweep's runs start, never while they train.

| file | what it is |
|---|---|
| `check_nodes.py` | Checks every node of a cluster before a sweep: resources, clock and shared storage |
| `memory_probe.py` | Measures the GPU memory of training, on a GPU of the cluster in a process of its own |
| `node_probe.py` | The code that runs on a node and reports on it and on the shared storage |
| `node_report.py` | Reports on the nodes of a cluster, and the findings that would make a sweep fail |
| `storage_probe.py` | The storage that all nodes share, as a preflight tests it |
"""

__all__ = ["check_nodes", "memory_probe", "node_probe", "node_report", "storage_probe"]
