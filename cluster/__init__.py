"""Ray, on this machine or on a cluster: connecting, resources of a trial, checks of nodes, jobs and templates. It knows
no sweep and no records.

| file | what it is |
|---|---|
| `connection/` | Starting a private Ray or joining a cluster, with its token, and noticing that it is lost |
| `jobs/` | Jobs on a cluster, submitted over HTTP from a machine that is none of its nodes |
| `nodes/` | What the nodes of a cluster are: their size, versions, clock, shared storage and GPU memory |
| `resources/` | What one trial asks of a node, and which share of a GPU it gets |
| `templates/` | Files that start a cluster or a job: for `ray up`, KubeRay and Slurm |
"""

__all__ = ["connection", "jobs", "nodes", "resources", "templates"]
