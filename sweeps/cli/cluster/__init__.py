"""`causalmer cluster`: check nodes, submit sweeps as jobs, write templates.

The connection to Ray is in the package `cluster`.

| file | what it is |
|---|---|
| `app.py` | `causalmer cluster`: check a cluster, run sweeps on it as jobs, write files that start one |
| `check.py` | `causalmer cluster check`: the nodes of a cluster, and faults that would make a sweep fail |
| `jobs.py` | `causalmer cluster status|logs|stop`: jobs on a cluster, from a machine outside of it |
| `shared_places.py` | Checks that a sweep on a cluster reads and writes only in places that all nodes share |
| `submit.py` | `causalmer cluster submit`: run a sweep as a job of a cluster, from a machine outside of it |
| `template.py` | `causalmer cluster template`: files that start a sweep on a cluster, sized for its needs |
"""

__all__: list[str] = []
