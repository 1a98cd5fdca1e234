"""The files of a split and of the statistics, written in pieces and opened as memory maps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.files import write_text
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.datasets.base import FeatureStatistics, Split
from causalmer_core.datasets.manifest import ArraySummary
from causalmer_core.datasets.storing.checksums import check_file
from causalmer_core.datasets.storing.publish import write_array
from causalmer_core.datasets.storing.versions import StoredVersion, how_to_restore


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


def open_split(version: StoredVersion, name: str) -> Split:
    """A split as its manifest describes it. Only the files of this split are read and checked.

    Raises:
        DamagedFileError: a file is missing, or differs from the manifest's checksum or description.
    """
    folder, summary = version.folder, version.manifest.splits[name]
    return Split(
        features={
            m: _open_array(version, _features(folder, name, m), summary.features[m]) for m in MODALITIES
        },
        labels=_open_array(version, _labels(folder, name), summary.labels),
        ids=_open_ids(version, _ids(folder, name), summary.samples),
        lengths={m: _open_array(version, _lengths(folder, name, m), x) for m, x in summary.lengths.items()},
    )


def write_statistics(folder: Path, statistics: Mapping[Modality, FeatureStatistics]) -> None:
    """Write the feature statistics of the training split, `(2, width)` a modality.

    Raises:
        OSError: writing failed.
    """
    for modality, found in statistics.items():
        write_array(_statistics(folder, modality), np.stack([found.mean, found.std]))


def open_statistics(version: StoredVersion, modality: Modality) -> FeatureStatistics:
    """The feature statistics of one modality.

    Raises:
        DamagedFileError: as `open_split`.
    """
    width = version.manifest.splits["train"].features[modality].shape[2]
    expected = ArraySummary(shape=(2, width), dtype="<f4")
    mean, std = np.array(_open_array(version, _statistics(version.folder, modality), expected))
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


def _open_array(version: StoredVersion, path: Path, expected: ArraySummary) -> NDArray[Any]:
    _check(version, path)
    try:
        values = cast(NDArray[Any], np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(version, path, str(error)) from error
    if values.shape != expected.shape or values.dtype.str != expected.dtype:
        what = f"found {values.shape} {values.dtype.str}, the manifest says {expected.shape} {expected.dtype}"
        raise _damaged(version, path, what)
    return values


def _open_ids(version: StoredVersion, path: Path, samples: int) -> tuple[str, ...]:
    _check(version, path)
    try:
        ids = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise _damaged(version, path, str(error)) from error
    if not isinstance(ids, list) or len(ids) != samples:
        raise _damaged(version, path, f"it does not hold {samples} ids")
    return tuple(ids)


def _check(version: StoredVersion, path: Path) -> None:
    """Check a file against its checksum. Manifests of format 1 have none."""
    if version.manifest.format_version == 1:
        return
    if path.name not in version.manifest.files:
        raise _damaged(version, path, "the manifest has no checksum of it")
    check_file(path, version.manifest.files[path.name], remedy=how_to_restore(version.manifest.name))


def _damaged(version: StoredVersion, path: Path, what: str) -> DamagedFileError:
    return DamagedFileError(path, what, how_to_restore(version.manifest.name))
