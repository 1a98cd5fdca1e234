"""Files that start a cluster or a job: for `ray up`, KubeRay and Slurm. Each is text to read, edit and keep.

| file | what it is |
|---|---|
| `base.py` | What every template has: a model of what it needs to be told, and a text in which all of it is quoted |
| `kuberay.py` | A RayJob for KubeRay: a cluster that is there for one sweep |
| `needs.py` | What a sweep needs of a cluster, in plain numbers, and how it is spread over nodes |
| `quoting.py` | Writing a user's words into YAML, shell and Python, so that none of them can mean more than itself |
| `ray_up.py` | Cluster files for `ray up`: hosts that are there already, and machines of AWS and of Google Cloud |
| `slurm.py` | A script for Slurm's `sbatch`: a Ray cluster over the job's nodes, there for one sweep |
| `submit_script.py` | A script for `ray submit`: it carries a sweep to the head of a cluster and runs it there |
"""

__all__ = ["base", "kuberay", "needs", "ray_up", "slurm", "submit_script"]
