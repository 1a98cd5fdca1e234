"""Files that start a cluster or a job: for `ray up`, KubeRay and Slurm.

Each is text for the user to read, edit and keep.

| file | what it is |
|---|---|
| `base.py` | The base of all templates: a model of their values, and a text with all values quoted |
| `kuberay.py` | A RayJob for KubeRay: a cluster for one sweep |
| `needs.py` | The resources that a sweep needs of a cluster, and of each of its nodes |
| `quoting.py` | Quotes a user's texts in YAML, shell and Python, so that none is read as syntax |
| `ray_up.py` | Cluster files for `ray up`: existing hosts, and machines of AWS and of Google Cloud |
| `slurm.py` | A script for Slurm's `sbatch`: a Ray cluster over the job's nodes, for one sweep |
| `submit_script.py` | A script for `ray submit`, which runs a sweep on the head of a cluster |
"""

__all__ = ["base", "kuberay", "needs", "ray_up", "slurm", "submit_script"]
