"""The files of a split and of the statistics, written in pieces and opened as memory maps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_text
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.datasets.base import FeatureStatistics, Split
from causalmer_core.datasets.manifest import ArraySummary, DatasetManifest
from causalmer_core.datasets.publish import write_array


def write_split(folder: Path, name: str, split: Split) -> Split:
    """Write a split's files, and return the split with its features as memory maps of them.

    Raises:
        OSError: writing failed.
    """
    for modality in MODALITIES:
        write_array(_features(folder, name, modality), split.features[modality])
    for modality, lengths in split.lengths.items():
        write_array(_lengths(folder, name, modality), np.asarray(lengths))
    write_array(_labels(folder, name), split.labels)
    write_text(_ids(folder, name), json.dumps(list(split.ids)))
    features = {m: np.load(_features(folder, name, m), mmap_mode="r") for m in MODALITIES}
    return Split(features, split.labels, split.ids, split.lengths)


def open_split(folder: Path, manifest: DatasetManifest, name: str) -> Split:
    """A split as its manifest describes it.

    Raises:
        UserError: a file is missing or damaged, or differs from the manifest.
    """
    summary = manifest.splits[name]
    ids_path = _ids(folder, name)
    try:
        ids = json.loads(ids_path.read_bytes())
    except (OSError, ValueError) as error:
        raise _damaged(ids_path, str(error)) from error
    if not isinstance(ids, list) or len(ids) != summary.samples:
        raise _damaged(ids_path, f"it does not hold {summary.samples} ids")
    return Split(
        features={m: _open_array(_features(folder, name, m), summary.features[m]) for m in MODALITIES},
        labels=_open_array(_labels(folder, name), summary.labels),
        ids=tuple(ids),
        lengths={m: _open_array(_lengths(folder, name, m), x) for m, x in summary.lengths.items()},
    )


def write_statistics(folder: Path, statistics: Mapping[Modality, FeatureStatistics]) -> None:
    """Write the feature statistics of the training split, `(2, width)` a modality.

    Raises:
        OSError: writing failed.
    """
    for modality, found in statistics.items():
        write_array(_statistics(folder, modality), np.stack([found.mean, found.std]))


def open_statistics(folder: Path, manifest: DatasetManifest, modality: Modality) -> FeatureStatistics:
    """The feature statistics of one modality.

    Raises:
        UserError: as `open_split`.
    """
    width = manifest.splits["train"].features[modality].shape[2]
    expected = ArraySummary(shape=(2, width), dtype="<f4")
    mean, std = np.array(_open_array(_statistics(folder, modality), expected))
    return FeatureStatistics(mean, std)


def _features(folder: Path, name: str, modality: Modality) -> Path:
    return folder / f"{name}_{modality.value}.npy"


def _lengths(folder: Path, name: str, modality: Modality) -> Path:
    return folder / f"{name}_{modality.value}_lengths.npy"


def _labels(folder: Path, name: str) -> Path:
    return folder / f"{name}_labels.npy"


def _ids(folder: Path, name: str) -> Path:
    return folder / f"{name}_ids.json"


def _statistics(folder: Path, modality: Modality) -> Path:
    return folder / f"statistics_{modality.value}.npy"


def _open_array(path: Path, expected: ArraySummary) -> NDArray[Any]:
    try:
        values = cast(NDArray[Any], np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path, str(error)) from error
    if values.shape != expected.shape or values.dtype.str != expected.dtype:
        raise _damaged(
            path,
            f"found {values.shape} {values.dtype.str}, the manifest says {expected.shape} {expected.dtype}",
        )
    return values


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: the stored data set is damaged: {reason}; import it again with --force")
