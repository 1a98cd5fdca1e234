"""What training was measured to take of a GPU, and the share of one that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from causalmer_core.basics.validation import Frozen
from cluster.resources.gpu_share import MARGIN, share_of
from cluster.resources.trial_resources import ANY, GIB, TrialShare


class MemorySample(Frozen):
    """Two training steps of a configuration on a GPU.

    Attributes:
        of: the `largest` configuration that the sweep can train, with as many seeds as a trial has side by side at
            most; or the one that was `drawn` first, with one seed.
        accelerator: the type of the GPU, or `any` where its node does not say it.
        config_id: the configuration.
        seeds: how many side by side.
        size: of all of them together, in bytes as they are counted (`sweeps.gpu_memory.largest`).
        peak: bytes that tensors took of the device.
        context: bytes that the process took beside them.
        total: bytes of the device.
        host: private bytes of the process on its node.
        time: when, UTC, ISO 8601.
    """

    of: Literal["largest", "drawn"]
    accelerator: str
    config_id: str
    seeds: int
    size: int
    peak: int
    context: int
    total: int
    host: int
    time: str

    @property
    def taken(self) -> int:
        """Bytes of the device."""
        return self.peak + self.context

    @property
    def share(self) -> float:
        """The share of the device that holds it with the margin."""
        return share_of(self.taken, self.total)

    def described(self) -> str:
        """What was measured, in words."""
        what = f"{self.config_id[:8]} with {self.seeds} seed{'' if self.seeds == 1 else 's side by side'}"
        kind = "a GPU" if self.accelerator == ANY else f"a GPU of type {self.accelerator}"
        count = "all of it" if self.share == 1 else f"1/{int(1 / self.share)} of it"
        return (
            f"{self.of} configuration {what} takes {self.taken / GIB:.2f} GiB of {kind} with "
            f"{self.total / GIB:.1f} GiB, {self.context / GIB:.2f} GiB of it CUDA's own; {MARGIN:.0%} more: {count}"
        )


def predicted_bytes(size: int, measures: Sequence[MemorySample]) -> float:
    """Bytes that a trial of this counted size takes of one type of GPU.

    Between the drawn and the largest configuration it is what lies on the line through both measures, below and above
    them what the nearer one takes.

    Args:
        size: see `MemorySample.size`.
        measures: on that type.
    """
    low = min(measures, key=lambda measure: measure.size)
    high = max(measures, key=lambda measure: measure.size)
    if high.size == low.size:
        return float(high.taken)
    part = min(max((size - low.size) / (high.size - low.size), 0.0), 1.0)
    return low.taken + part * (high.taken - low.taken)


def measured_share(size: int, measures: Iterable[MemorySample], asked: TrialShare) -> TrialShare:
    """What a trial of this counted size takes, wherever it is placed: the most over the types of GPUs.

    Args:
        size: see `MemorySample.size`.
        measures: of all types.
        asked: what is given; its `gpu` is replaced, and its memory where it is 0.
    """
    found = list(measures)
    by_type = [
        [measure for measure in found if measure.accelerator == kind]
        for kind in sorted({measure.accelerator for measure in found})
    ]
    gpu = max(share_of(predicted_bytes(size, of_type), of_type[0].total) for of_type in by_type)
    host = max(measure.host for measure in found) * (1 + MARGIN) / GIB
    return asked.model_copy(update={"gpu": gpu, "memory": asked.memory or host})
