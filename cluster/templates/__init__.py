"""Files that start a sweep on a cluster: for `ray up`, for KubeRay, for Slurm. Each is text to read, edit and keep."""
