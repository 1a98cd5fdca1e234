"""Measured memory of training on a GPU, and the share of a GPU that follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from causalmer_core.basics.validation import Frozen
from cluster.resources.gpu_share import MARGIN, share_of
from cluster.resources.trial_resources import ANY, GIB, TrialShare


class MemorySample(Frozen):
    """Two training steps of a configuration on a GPU.

    Attributes:
        of: `largest`: the largest configuration of the sweep, with the most seeds that a trial trains side by side;
            `drawn`: the first proposal, with one seed.
        accelerator: the type of the GPU; `any` if its node does not report a type.
        config_id: the configuration.
        seeds: the number of seeds side by side.
        size: estimated bytes of all seeds together (`sweeps.gpu_memory.largest`).
        peak: bytes of the device for tensors.
        context: bytes of the device for the rest of the process.
        total: bytes that the device has.
        host: private bytes of the process on its node.
        time: time of the measurement, UTC, ISO 8601.
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
        """Bytes of the device that the process took."""
        return self.peak + self.context

    @property
    def share(self) -> float:
        """The share of the device that holds these bytes with the margin."""
        return share_of(self.taken, self.total)

    def described(self) -> str:
        """The measurement in words, for messages."""
        what = f"{self.config_id[:8]} with {self.seeds} seed{'' if self.seeds == 1 else 's side by side'}"
        kind = "a GPU" if self.accelerator == ANY else f"a GPU of type {self.accelerator}"
        count = "the whole GPU" if self.share == 1 else f"1/{int(1 / self.share)} of the GPU"
        return (
            f"{self.of} configuration {what} takes {self.taken / GIB:.2f} GiB of {kind} with "
            f"{self.total / GIB:.1f} GiB, {self.context / GIB:.2f} GiB of them for CUDA itself; with a margin of "
            f"{MARGIN:.0%}: {count}"
        )


def predicted_bytes(size: int, measures: Sequence[MemorySample]) -> float:
    """Bytes that a trial of this estimated size takes of one type of GPU.

    The bytes are interpolated linearly between the smallest and the largest sample, and constant outside of them.

    Args:
        size: estimated bytes, as in `MemorySample.size`.
        measures: samples from this type of GPU; one or more.
    """
    low = min(measures, key=lambda measure: measure.size)
    high = max(measures, key=lambda measure: measure.size)
    if high.size == low.size:
        return float(high.taken)
    part = min(max((size - low.size) / (high.size - low.size), 0.0), 1.0)
    return low.taken + part * (high.taken - low.taken)


def measured_share(size: int, measures: Iterable[MemorySample], asked: TrialShare) -> TrialShare:
    """The share of a trial of this estimated size: the largest over the types of GPUs, so that it fits on each.

    Args:
        size: estimated bytes, as in `MemorySample.size`.
        measures: samples from all types.
        asked: the resources given by the user. `gpu` is replaced, and `memory` if it is 0.
    """
    found = list(measures)
    by_type = [
        [measure for measure in found if measure.accelerator == kind]
        for kind in sorted({measure.accelerator for measure in found})
    ]
    gpu = max(share_of(predicted_bytes(size, of_type), of_type[0].total) for of_type in by_type)
    host = max(measure.host for measure in found) * (1 + MARGIN) / GIB
    return asked.model_copy(update={"gpu": gpu, "memory": asked.memory or host})
