"""The types of a data set: splits of arrays, a task, and training statistics.

The trainer gets a `TrainingData`, which has no test split. Only `causalmer_core.datasets.store.open_test_split` opens
the test split, and only final evaluation calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task

FloatArray = NDArray[np.float32]
Lengths = NDArray[np.int64]


@runtime_checkable
class Samples(Protocol):
    """An array whose first axis is the samples: in memory, a memory map, or rows of several (`folds.Rows`)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape, samples first."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its numbers."""

    def __len__(self) -> int:
        """The number of samples."""

    def __getitem__(self, key: Any, /) -> Any:
        """The samples of a slice or of an array of positions, as an array."""


@dataclass(frozen=True, slots=True)
class Split:
    """One split of a data set; the arrays may be memory maps.

    Attributes:
        features: for each modality `(samples, time, width)` float32.
        labels: `(samples, emotions)` int64 in {0, 1}, `(samples,)` int64 classes, or `(samples,)` float32 targets.
        ids: one identifier a sample; the parts of one are joined by `/`, the video or the speaker first.
        lengths: by modality `(samples,)`, the number of present steps from the first one on. A modality without lengths
            has all steps. Features beyond a length stay as the file has them.
    """

    features: Mapping[Modality, Samples]
    labels: NDArray[np.int64] | NDArray[np.float32]
    ids: Sequence[str]
    lengths: Mapping[Modality, Lengths] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """Mean and standard deviation of one modality over the training split's present steps that are not all zero.

    Attributes:
        mean, std: each `(width,)` float32, one number a channel.
    """

    mean: FloatArray
    std: FloatArray


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All that training may see: the training and the validation split.

    Attributes:
        name: the data set's name in its store.
        task: the task.
        fingerprint: SHA-256 over the arrays and the task; the data's part of a configuration's identity.
        train, valid: the splits.
        statistics: per-modality feature statistics of the training split.
    """

    name: str
    task: Task
    fingerprint: str
    train: Split
    valid: Split
    statistics: Mapping[Modality, FeatureStatistics]

    @property
    def widths(self) -> dict[Modality, int]:
        """The number of features a step of each modality."""
        return {m: self.train.features[m].shape[2] for m in MODALITIES}

    @property
    def lengths(self) -> dict[Modality, int]:
        """The number of steps of each modality."""
        return {m: self.train.features[m].shape[1] for m in MODALITIES}
