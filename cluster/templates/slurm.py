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
        sweep: the sweep's file, relative to where `sbatch` is called; none: it is named when the job is submitted.
        nodes: how many nodes.
        cpus, gpus: of each node.
        time: the job's limit as Slurm writes it, such as `12:00:00` or `1-00`; none: the partition's.
        partition, account: Slurm's; none: its defaults.
        activate: a shell command that puts causalmer on the path, such as `. ~/causalmer/bin/activate`; none: it is.
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
