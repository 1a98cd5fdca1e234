"""Batches of a split: the order of the samples, standardisation, and tensors on a device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causalmer_core.basics.modality import MODALITIES, Batch, Modality
from causalmer_core.basics.seeding import numpy_stream
from causalmer_core.config.run_config import DataConfig
from causalmer_core.datasets.base import FeatureStatistics, FloatArray, Lengths, Split, TrainingData

Statistics = Mapping[Modality, FeatureStatistics]

SCALE_RATIO = 3.0
"""`auto` standardises where the modalities' scales differ by more than this factor."""


def scales_differ(statistics: Statistics) -> bool:
    """Whether one modality's scale, the root mean square of its channels' spread, is over three times another's."""
    scales = [float(np.sqrt(np.mean(np.square(s.std)))) for s in statistics.values()]
    return max(scales) > SCALE_RATIO * min(scales)


def chosen_statistics(
    data: TrainingData, standardise: Literal["auto", "always", "never"]
) -> Statistics | None:
    """The statistics to standardise with, or None if features stay as they are."""
    if standardise == "never" or (standardise == "auto" and not scales_differ(data.statistics)):
        return None
    return data.statistics


def epoch_order(samples: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of the training samples in an epoch: a permutation from the random stream `order` of that epoch."""
    return numpy_stream(seed, "order", epoch).permutation(samples)


def batch_bounds(samples: int, size: int) -> Iterator[tuple[int, int]]:
    """The first and past-the-last position of each batch. A last batch of one sample joins the one before."""
    # Batch normalisation cannot train on one sample.
    starts = list(range(0, samples, size))
    if len(starts) > 1 and samples - starts[-1] == 1:
        starts.pop()
    return zip(starts, [*starts[1:], samples], strict=True)


class Batches:
    """The batches of a split.

    Args:
        split: the samples; memory maps are read a batch at a time.
        statistics: statistics to standardise with; steps of zeros stay zero. None: features stay as they are.
        size: samples a batch.
        device: where the tensors go.
        masks: give masks where the split has lengths, and set the features beyond them to zero.
        means: by modality `(width,)`, means of the raw training features. Only `fill` needs them, and only if nothing
            is standardised.
    """

    def __init__(
        self,
        split: Split,
        statistics: Statistics | None,
        *,
        size: int,
        device: torch.device,
        masks: bool = True,
        means: Mapping[Modality, FloatArray] | None = None,
    ) -> None:
        self.split = split
        self.size = size
        self.device = device
        self._masks = masks
        self._means = means or {}
        self._scaling = (
            None
            if statistics is None
            else {m: (s.mean, 1.0 / s.std.astype(np.float32)) for m, s in statistics.items()}
        )

    def __call__(self, order: NDArray[np.int64] | None = None) -> Iterator[Batch]:
        """Batches in the given order of samples, or in the split's own."""
        samples = np.arange(len(self.split)) if order is None else order
        for start, stop in batch_bounds(len(samples), self.size):
            yield self._batch(samples[start:stop])

    def on(self, split: Split) -> Batches:
        """Batches of another split, made in the same way."""
        other = copy(self)
        other.split = split
        return other

    def fill(self, modality: Modality) -> Tensor:
        """`(width,)`: the mean of each channel over the training split's steps, as these batches have it.

        Standardised features have the mean 0.

        Raises:
            ValueError: the features are not standardised, and the batches were made without `means`.
        """
        if self._scaling is not None:
            return torch.zeros(self.split.features[modality].shape[2], device=self.device)
        if modality not in self._means:
            raise ValueError(
                f"features that are not standardised need 'means' to be filled; given none for {modality}"
            )
        return torch.from_numpy(np.array(self._means[modality])).to(self.device)

    @property
    def _lengths(self) -> Mapping[Modality, Lengths]:
        return self.split.lengths if self._masks else {}

    def _batch(self, chosen: NDArray[np.int64]) -> Batch:
        masks = {m: self._mask(m, chosen) for m in self._lengths}
        arrays = (self._features(m, chosen, masks.get(m)) for m in MODALITIES)
        text, audio, vision = (torch.from_numpy(values).to(self.device) for values in arrays)
        labels = torch.from_numpy(np.asarray(self.split.labels[chosen])).to(self.device)
        return Batch(
            text,
            audio,
            vision,
            labels,
            {m: torch.from_numpy(mask).to(self.device) for m, mask in masks.items()},
        )

    def _mask(self, modality: Modality, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        steps = np.arange(self.split.features[modality].shape[1])
        return np.asarray(steps < np.asarray(self._lengths[modality])[chosen, None])

    def _features(
        self, modality: Modality, chosen: NDArray[np.int64], mask: NDArray[np.bool_] | None
    ) -> FloatArray:
        values: FloatArray = np.asarray(self.split.features[modality][chosen])
        if mask is not None:
            values = np.where(mask[:, :, None], values, np.float32(0))
        if self._scaling is not None:
            mean, inverse = self._scaling[modality]
            present = values.any(axis=2, keepdims=True)
            values = np.where(present, (values - mean) * inverse, np.float32(0))
        return values


def batches_for(
    config: DataConfig, data: TrainingData, split: Split, *, size: int, device: torch.device
) -> Batches:
    """The batches of a split as a configuration scales and masks them."""
    return Batches(
        split,
        chosen_statistics(data, config.standardise),
        size=size,
        device=device,
        masks=config.padding_masks,
        means={m: statistics.mean for m, statistics in data.statistics.items()},
    )
