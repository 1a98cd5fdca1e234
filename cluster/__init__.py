"""Ray on this machine or a cluster: connection, resources, node checks, jobs, templates.

It knows no sweep and no records.

| file | what it is |
|---|---|
| `connection/` | The connection to a private Ray or a cluster, with its token and the notice of its loss |
| `jobs/` | Jobs on a cluster, submitted over HTTP from a machine outside it |
| `nodes/` | Checks of a cluster's nodes: size, versions, clock, shared storage and GPU memory |
| `resources/` | The resources that one trial asks of a node, and its share of a GPU |
| `templates/` | Files that start a cluster or a job: for `ray up`, KubeRay and Slurm |
"""

__all__ = ["connection", "jobs", "nodes", "resources", "templates"]
