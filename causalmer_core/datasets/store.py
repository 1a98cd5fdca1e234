"""Data sets on disk: versions that never change, one `.npy` file an array, opened as checked memory maps.

    <root>/<name>/current.json          names the current version
    <root>/<name>/<version>/            the first 16 digits of its fingerprint; in it
      manifest.json                     with the checksum of each file
      <split>_<text|audio|vision|labels>.npy, <split>_ids.json
      <split>_<modality>_lengths.npy    (samples,): present steps, if the source has lengths
      statistics_<modality>.npy         (2, width): mean, standard deviation of the training split

A version is written in a hidden folder and renamed to its place, so no reader meets half of one. Other data under the
same name are a new version beside it. Who knows the fingerprint opens exactly that version.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError, did_you_mean
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task
from causalmer_core.basics.validation import checked_name
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.manifest import SPLITS, VERSION_DIGITS, DatasetManifest, scale_of, summarise
from causalmer_core.datasets.manifest import fingerprint as computed_fingerprint
from causalmer_core.datasets.nonfinite import NonfiniteCounts
from causalmer_core.datasets.statistics import feature_statistics
from causalmer_core.datasets.storing.checksums import checksum
from causalmer_core.datasets.storing.publish import hidden_folder
from causalmer_core.datasets.storing.stored_split import (
    open_split,
    open_statistics,
    write_split,
    write_statistics,
)
from causalmer_core.datasets.storing.versions import (
    StoredVersion,
    current_fingerprint,
    find_version,
    how_to_restore,
    put_version,
    version_fingerprints,
    version_folders,
    write_manifest,
)

DEFAULT_ROOT = Path("causalmer_data")
ROOT_VARIABLE = "CAUSALMER_DATA"


def default_root() -> Path:
    """The folder of data sets.

    The environment variable CAUSALMER_DATA, else `causalmer_data` in the working directory.
    """
    return Path(os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)


class MissingDataError(UserError):
    """A data set, or one version of it, is not in the store."""


def list_datasets(root: Path | str) -> tuple[str, ...]:
    """The names of the data sets under `root`, sorted; empty if the folder does not exist."""
    homes = (path for path in Path(root).glob("*") if not path.name.startswith("."))
    return tuple(sorted(home.name for home in homes if version_folders(home)))


def write_dataset(
    root: Path | str,
    name: str,
    *,
    task: Task,
    splits: Mapping[str, Split],
    source_file: str | None = None,
    synthetic: Mapping[str, JsonValue] | None = None,
    nonfinite: Mapping[str, Mapping[Modality, NonfiniteCounts]] | None = None,
    force: bool = False,
    make_current: bool = True,
) -> DatasetManifest:
    """Write a version of a data set into its place under `root`, whole or not at all.

    Features are read and written a piece at a time. Statistics and fingerprint come from the written files, so no array
    is ever whole in memory. If the store has a version with these arrays it keeps it, and mends its damaged files.

    Args:
        root: the folder of data sets; made if need be.
        name: see `checked_name`.
        task: the task.
        splits: `train`, `valid` and `test`.
        source_file: the imported file; only its name without the folder is kept.
        synthetic: the parameters of a drawn data set.
        nonfinite: by split and modality, the reader's counts of NaN and infinities.
        force: write also if there is a data set of this name. Its versions stay.
        make_current: make it the current version. A name's first version is always current.

    Returns:
        The manifest in the store: that of the first write of these arrays.

    Raises:
        UserError: the name is not allowed, or in use without `force`; writing failed; or a newer program wrote this
            version.
    """
    root, home = Path(root), _home(root, name)
    if version_folders(home) and not force:
        raise UserError(
            f"data set {name!r} is already in {root}; give another --name, or --force to make a new version current "
            "(the old one stays for the sweeps that use it)"
        )
    try:
        with hidden_folder(root, name) as aside:
            written = {split: write_split(aside, split, splits[split]) for split in SPLITS}
            train = written["train"]
            statistics = {
                m: feature_statistics(train.features[m], lengths=train.lengths.get(m)) for m in MODALITIES
            }
            write_statistics(aside, statistics)
            manifest = DatasetManifest(
                name=name,
                task=task,
                fingerprint=computed_fingerprint(task, written),
                source_file=Path(source_file).name if source_file else None,
                synthetic=synthetic,
                splits={split: summarise(task, written[split]) for split in SPLITS},
                scales={m: scale_of(statistics[m]) for m in MODALITIES},
                nonfinite=nonfinite or {},
                files={path.name: checksum(path) for path in sorted(aside.iterdir())},
            )
            write_manifest(aside, manifest)
            return put_version(home, StoredVersion(aside, manifest), make_current=make_current).manifest
    except OSError as error:
        raise UserError(
            f"{home}: the data set could not be written ({error.strerror}); nothing is left of it. "
            "Is the disk full, the folder not yours, or another import of the same name under way?"
        ) from error


def _home(root: Path | str, name: str) -> Path:
    return Path(root) / checked_name(name, "data set")


def _version(root: Path | str, name: str, fingerprint: str | None) -> StoredVersion:
    home = _home(root, name)
    wanted = current_fingerprint(home) if fingerprint is None else fingerprint
    if wanted is not None and (found := find_version(home, wanted)) is not None:
        return found
    if versions := version_fingerprints(home):
        raise MissingDataError(
            f"data set {name!r} in {root} has no version {(wanted or '')[:VERSION_DIGITS]}; there: "
            f"{', '.join(key[:VERSION_DIGITS] for key in versions)}; {how_to_restore(name)}"
        )
    there = list_datasets(root)
    raise MissingDataError(
        f"no data set {name!r} in {root}{did_you_mean(name, there)}; "
        f"there: {', '.join(there) or 'none'}. Make it with "
        f"'causalmer data import FILE --name {name}' or 'causalmer data synth --name {name}'; "
        f"another folder is given with --root or {ROOT_VARIABLE}"
    )


def dataset_folder(root: Path | str, name: str, fingerprint: str | None = None) -> Path:
    """The folder of a version of a data set.

    Args:
        root: the folder of data sets.
        name: the data set's name.
        fingerprint: the fingerprint of the version, 64 hexadecimal digits. None: the current version.

    Raises:
        MissingDataError: there is no such data set, or no such version; the message lists those there are.
        DamagedFileError: the manifest, or the file that names the current version, is damaged.
        UserError: the name is not allowed, or a newer program wrote the version.
    """
    return _version(root, name, fingerprint).folder


def read_dataset_manifest(root: Path | str, name: str, fingerprint: str | None = None) -> DatasetManifest:
    """The manifest of a version of a data set. Arguments and errors are those of `dataset_folder`."""
    return _version(root, name, fingerprint).manifest


def dataset_versions(root: Path | str, name: str) -> dict[str, Path]:
    """The folder of each version of a data set, by its fingerprint; empty if there is no such data set.

    The key of a version with a damaged manifest is its folder's name, or `unreadable`.

    Raises:
        UserError: the name is not allowed, or a newer program wrote a version.
    """
    return version_fingerprints(_home(root, name))


def current_version(root: Path | str, name: str) -> str | None:
    """The fingerprint of the current version; None if there is no such data set.

    Raises:
        DamagedFileError, UserError: as `dataset_folder`.
    """
    return current_fingerprint(_home(root, name))


def open_training_data(root: Path | str, name: str, fingerprint: str | None = None) -> TrainingData:
    """The training and the validation split of a data set, and the statistics; never the test split.

    Features and labels are read-only memory maps. The first time that a process opens a file, it checks its checksum.

    Args:
        root, name, fingerprint: as of `dataset_folder`.

    Raises:
        DamagedFileError: a file is missing, or is not the one that was written.
        MissingDataError, UserError: as `dataset_folder`.
    """
    version = _version(root, name, fingerprint)
    manifest = version.manifest
    return TrainingData(
        name=manifest.name,
        task=manifest.task,
        fingerprint=manifest.fingerprint,
        train=open_split(version, "train"),
        valid=open_split(version, "valid"),
        statistics={m: open_statistics(version, m) for m in MODALITIES},
    )


def open_test_split(root: Path | str, name: str, fingerprint: str | None = None) -> Split:
    """The test split of a data set. Only final evaluation calls this.

    Args:
        root, name, fingerprint: as of `dataset_folder`.

    Raises:
        DamagedFileError, MissingDataError, UserError: as `open_training_data`.
    """
    return open_split(_version(root, name, fingerprint), "test")


def has_intact_version(root: Path | str, name: str, fingerprint: str | None = None) -> bool:
    """Whether a version is there and undamaged, by the checksums of all its files.

    A version without checksums is one if its files have the form that its manifest describes.

    Args:
        root, name, fingerprint: as of `dataset_folder`.

    Raises:
        UserError: the name is not allowed, or a newer program wrote the version.
    """
    try:
        _open_all(_version(root, name, fingerprint))
    except (MissingDataError, DamagedFileError):
        return False
    return True


def verify_dataset(root: Path | str, name: str, fingerprint: str | None = None) -> None:
    """Read all arrays and compare their fingerprint with the manifest's.

    Args:
        root, name, fingerprint: as of `dataset_folder`.

    Raises:
        DamagedFileError: they differ, or a file is damaged: the files were altered after the import.
        MissingDataError, UserError: as `dataset_folder`.
    """
    version = _version(root, name, fingerprint)
    expected = version.manifest.fingerprint
    found = computed_fingerprint(version.manifest.task, _open_all(version))
    if found != expected:
        raise DamagedFileError(
            version.folder,
            f"the arrays do not have the manifest's fingerprint (found {found[:VERSION_DIGITS]}, manifest "
            f"{expected[:VERSION_DIGITS]}): they were altered after the import",
            how_to_restore(name),
        )


def _open_all(version: StoredVersion) -> dict[str, Split]:
    """All splits of a version. The statistics are opened, too, so all files are checked."""
    for modality in MODALITIES:
        open_statistics(version, modality)
    return {split: open_split(version, split) for split in SPLITS}
