"""What a data set is to the rest of the package: splits of arrays, a task, and training statistics.

The trainer is handed a `TrainingData`, which has no test split in it. The test split is opened by
`causalmer_core.datasets.store.open_test_split` alone, and only final evaluation calls that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalmer_core.modality import MODALITIES, Modality
from causalmer_core.task import Task

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Split:
    """One split of a data set; the arrays may be memory maps.

    Attributes:
        features: for each modality `(samples, time, width)` float32. A step whose features are all zero is padding.
        labels: `(samples, emotions)` int64 in {0, 1}, `(samples,)` int64 classes, or `(samples,)` float32 targets.
        ids: one identifier a sample.
    """

    features: Mapping[Modality, FloatArray]
    labels: NDArray[np.int64] | NDArray[np.float32]
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """Mean and standard deviation of one modality over the non-padding steps of the training split.

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
        task: what is predicted.
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
