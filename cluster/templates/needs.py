"""What a sweep needs of a cluster, in plain numbers, and how it is spread over nodes."""

from __future__ import annotations

import math

from pydantic import Field

from causalmer_core.basics.validation import Frozen


class Needs(Frozen):
    """What a sweep needs of a cluster.

    Attributes:
        name: the sweep's name.
        cpu: CPU cores of a run.
        gpu: GPUs of a run, a fraction or a whole number.
        at_once: how many runs the search has open at once.
    """

    name: str = "sweep"
    cpu: float = Field(default=1.0, gt=0.0)
    gpu: float = Field(default=0.0, ge=0.0)
    at_once: int = Field(default=4, ge=1)

    def cpus_per_node(self, nodes: int) -> int:
        """CPU cores that each of so many nodes needs."""
        return math.ceil(self.cpu * self._runs_per_node(nodes))

    def gpus_per_node(self, nodes: int) -> int:
        """GPUs that each of so many nodes needs. Runs with a share of a GPU are packed whole onto devices."""
        gpu, runs = self.gpu, self._runs_per_node(nodes)
        if not gpu:
            return 0
        return math.ceil(runs / math.floor(1 / gpu)) if gpu < 1 else int(gpu) * runs

    def _runs_per_node(self, nodes: int) -> int:
        return math.ceil(self.at_once / nodes)
