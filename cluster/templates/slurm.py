"""A script for Slurm's `sbatch`: a Ray cluster over the job's nodes, for one sweep."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from cluster.templates.base import Command, Template, Word, matching

TimeLimit = Annotated[
    str, matching(r"([0-9]+-)?[0-9]+(:[0-9]+){0,2}", "minutes, H:M:S or D-H, such as 12:00:00 or 1-00")
]


class SlurmJob(Template):
    """A sweep on whole nodes of a Slurm cluster whose home folders and working directory are shared.

    Attributes:
        name: the sweep's name.
        sweep: the sweep's file, relative to the folder in which `sbatch` is called. None: it is given at submission.
        nodes: the number of nodes.
        cpus, gpus: CPU cores and GPUs of each node.
        time: the time limit of the job in Slurm's form, such as `12:00:00` or `1-00`. None: the partition's limit.
        partition, account: Slurm's partition and account. None: Slurm's defaults.
        activate: a shell command that puts causalmer on the path, such as `. ~/causalmer/bin/activate`. None: it is on
            the path.
    """

    source = "slurm.sh.j2"
    language = "shell"

    name: Word = "sweep"
    sweep: str | None = None
    nodes: int = Field(default=1, ge=1)
    cpus: int = Field(ge=1)
    gpus: int = Field(default=0, ge=0)
    time: TimeLimit | None = None
    partition: Word | None = None
    account: Word | None = None
    activate: Command | None = None
