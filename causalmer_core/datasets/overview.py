"""An overview of a data set: the lengths of samples, and groups that lie in two splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.modality import Modality
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.folds import groups_of
from causalmer_core.datasets.statistics import present_steps


@dataclass(frozen=True, slots=True, eq=False)
class StepCounts:
    """The number of present steps of a modality, for each sample.

    Attributes:
        steps: steps of the array.
        counts: `(samples,)`, steps that are not all zero and within the sample's length.
        from_lengths: whether the data set has lengths for this modality.
    """

    steps: int
    counts: NDArray[np.int64]
    from_lengths: bool

    def histogram(self, most_bins: int) -> NDArray[np.int64]:
        """How many samples have 0 to `steps` steps, one bin a count, or `most_bins` equal parts of that range."""
        bins = min(most_bins, self.steps + 1)
        return np.asarray(np.histogram(self.counts, bins=bins, range=(-0.5, self.steps + 0.5))[0])


def step_counts(split: Split, modality: Modality) -> StepCounts:
    """The present steps of a modality in each sample."""
    lengths = split.lengths.get(modality)
    features = split.features[modality]
    counts = [present.sum(axis=1) for _, present in present_steps(features, lengths)]
    return StepCounts(features.shape[1], np.concatenate(counts), lengths is not None)


@dataclass(frozen=True, slots=True)
class Groups:
    """The videos or speakers of the splits, where ids name them as `group/...`.

    Attributes:
        train, valid: the number of groups in each split.
        shared: the number of groups in both. Samples of a group are alike, so shared groups make validation too easy.
    """

    train: int
    valid: int
    shared: int


def groups(data: TrainingData) -> Groups | None:
    """The groups of a data set, or None if an id has no `/`."""
    if not all("/" in name for split in (data.train, data.valid) for name in split.ids):
        return None
    train, valid = (set(groups_of(split.ids, "id.0")) for split in (data.train, data.valid))
    return Groups(len(train), len(valid), len(train & valid))
