"""Folds over groups: training and validation splits that keep each group on one side.

The training and the validation samples are pooled; the test split stays closed. scikit-learn's `GroupKFold` cuts the
pool into K parts of about equal size, with no group (video, speaker) in two of them. The cut depends on the groups
alone, so it is the same for every configuration. The run with seed s validates on part s mod K and trains on the
others. K seeds validate on every part once, and the spread over seeds includes the spread over parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES
from causalmer_core.config.run_config import FoldsConfig
from causalmer_core.datasets.base import Samples, Split, TrainingData
from causalmer_core.datasets.statistics import feature_statistics


@final
class Rows:
    """Chosen samples of several arrays, concatenated in order and read on access.

    Args:
        parts: the arrays; their shapes may differ in the first axis only.
        chosen: `(samples,)`, positions in the concatenated arrays.
    """

    def __init__(self, parts: Sequence[Samples], chosen: NDArray[np.int64]) -> None:
        self._parts = parts
        self._chosen = chosen
        self._starts = np.cumsum([0, *(len(part) for part in parts)])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, samples first."""
        return (len(self._chosen), *self._parts[0].shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers."""
        return self._parts[0].dtype

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, key: slice | NDArray[np.int64]) -> NDArray[Any]:
        wanted = self._chosen[key]
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)
        for start, part in zip(self._starts, self._parts, strict=False):
            here = (wanted >= start) & (wanted < start + len(part))
            found[here] = part[wanted[here] - start]
        return found


def groups_of(ids: Sequence[str], group: str) -> NDArray[np.str_]:
    """The group of each sample: `id` is the whole id, `id.0` its first part before a `/`, and so on.

    Raises:
        UserError: an id has no such part.
    """
    if group == "id":
        return np.array(ids)
    part = int(group.removeprefix("id."))
    parts = [identifier.split("/") for identifier in ids]
    short = next(
        (identifier for identifier, of_one in zip(ids, parts, strict=True) if len(of_one) <= part), None
    )
    if short is not None:
        raise UserError(
            f"data.split.group is {group}, but the id {short!r} has {short.count('/') + 1} part(s) between '/'; "
            f"allowed: id, or id.0 to id.{short.count('/')}; import the data with ids that hold the group"
        )
    return np.array([of_one[part] for of_one in parts])


def fold_numbers(data: TrainingData, split: FoldsConfig) -> NDArray[np.int64]:
    """The number of the part that holds each sample of training, then validation, `(samples,)`.

    Raises:
        UserError: there are fewer groups than folds, or the ids name no groups.
    """
    # Few runs have folds, and the import takes most of a second.
    from sklearn.model_selection import GroupKFold

    groups = groups_of((*data.train.ids, *data.valid.ids), split.group)
    count = len(np.unique(groups))
    if count < split.folds:
        raise UserError(
            f"data.split.folds is {split.folds}, but {split.group} gives only {count} group(s); "
            f"allowed: 2 to {count}"
        )
    if count == len(groups) and split.group != "id":
        raise UserError(
            f"data.split.group is {split.group}, which is different in every sample, so it groups nothing; "
            "give the part of the id that holds the video or the speaker, or 'id' for folds over single samples"
        )
    numbers = np.empty(len(groups), np.int64)
    for number, (_, part) in enumerate(GroupKFold(split.folds).split(groups, groups=groups)):
        numbers[part] = number
    return numbers


def validating_ids(data: TrainingData, split: FoldsConfig | None, seed: int) -> tuple[str, ...]:
    """The ids of the samples that the run with this seed validates on. No feature is read.

    Raises:
        UserError: the data set has too few groups for these folds, or ids without groups.
    """
    if split is None:
        return tuple(data.valid.ids)
    ids = (*data.train.ids, *data.valid.ids)
    return tuple(ids[i] for i in np.flatnonzero(_held_out(data, split, seed)))


def folded(data: TrainingData, split: FoldsConfig | None, seed: int) -> TrainingData:
    """The data that the run with this seed trains and validates on; `data` itself if `split` is None.

    The feature statistics are those of the new training split.

    Raises:
        UserError: the data set has too few groups for these folds, or ids without groups.
    """
    if split is None:
        return data
    held_out = _held_out(data, split, seed)
    train = _rows(data, np.flatnonzero(~held_out))
    return replace(
        data,
        train=train,
        valid=_rows(data, np.flatnonzero(held_out)),
        statistics={
            m: feature_statistics(train.features[m], lengths=train.lengths.get(m)) for m in MODALITIES
        },
    )


def _held_out(data: TrainingData, split: FoldsConfig, seed: int) -> NDArray[np.bool_]:
    """Whether the seed validates on each sample of training, then validation, `(samples,)`."""
    return np.asarray(fold_numbers(data, split) == seed % split.folds)


def _rows(data: TrainingData, chosen: NDArray[np.int64]) -> Split:
    train, valid = data.train, data.valid
    ids = (*train.ids, *valid.ids)
    return Split(
        features={m: Rows((train.features[m], valid.features[m]), chosen) for m in MODALITIES},
        labels=np.concatenate([train.labels, valid.labels])[chosen],
        ids=tuple(ids[i] for i in chosen),
        lengths={m: np.concatenate([train.lengths[m], valid.lengths[m]])[chosen] for m in train.lengths},
    )
