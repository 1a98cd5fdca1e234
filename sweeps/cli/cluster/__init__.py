"""`causalmer cluster`: check nodes, submit sweeps as jobs, write templates. Talking to Ray is in the package `cluster`.

| file | what it is |
|---|---|
| `app.py` | `causalmer cluster`: files that start clusters, a look at one before a sweep, and sweeps as jobs on it |
| `check.py` | `causalmer cluster check`: what the nodes of a cluster are, and what would make a sweep on them fail |
| `jobs.py` | `causalmer cluster status|logs|stop`: jobs on a cluster, from a machine that is none of its nodes |
| `shared_places.py` | Where a sweep that runs elsewhere reads and writes: places that its nodes share, not ones beside its file |
| `submit.py` | `causalmer cluster submit`: a sweep as a job of a cluster, from a machine that is none of its nodes |
| `template.py` | `causalmer cluster template`: files that start a sweep on a cluster, with the needs of a sweep's file put in |
"""

__all__: list[str] = []
