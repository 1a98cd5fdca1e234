"""The resources that a sweep needs of a cluster, and of each of its nodes."""

from __future__ import annotations

import math

from pydantic import Field

from causalmer_core.basics.validation import Frozen


class Needs(Frozen):
    """The resources that a sweep needs of a cluster.

    Attributes:
        name: the sweep's name.
        cpu: CPU cores of a run.
        gpu: GPUs of a run, a fraction or a whole number.
        at_once: the number of runs that the search has open at once.
    """

    name: str = "sweep"
    cpu: float = Field(default=1.0, gt=0.0)
    gpu: float = Field(default=0.0, ge=0.0)
    at_once: int = Field(default=4, ge=1)

    def cpus_per_node(self, nodes: int) -> int:
        """The CPU cores that each node needs, for a number of nodes."""
        return math.ceil(self.cpu * self._runs_per_node(nodes))

    def gpus_per_node(self, nodes: int) -> int:
        """The GPUs that each node needs, for a number of nodes. A run with a share of a GPU lies on one device."""
        gpu, runs = self.gpu, self._runs_per_node(nodes)
        if not gpu:
            return 0
        return math.ceil(runs / math.floor(1 / gpu)) if gpu < 1 else int(gpu) * runs

    def _runs_per_node(self, nodes: int) -> int:
        return math.ceil(self.at_once / nodes)
