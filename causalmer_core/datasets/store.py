"""Data sets on disk: one folder each, one `.npy` file an array, opened as memory maps.

    <root>/<name>/manifest.json
    <root>/<name>/<split>_<text|audio|vision|labels>.npy, <split>_ids.json
    <root>/<name>/<split>_<modality>_lengths.npy    (samples,): present steps, if the source has lengths
    <root>/<name>/statistics_<modality>.npy     (2, width): mean, standard deviation of the training split

A data set is written in a hidden folder and renamed to its place, so no reader meets half of one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from causalmer_core.basics.errors import UserError, did_you_mean
from causalmer_core.basics.files import write_text
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task
from causalmer_core.basics.validation import checked_name
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.manifest import (
    SPLITS,
    DatasetManifest,
    fingerprint,
    scale_of,
    summarise,
)
from causalmer_core.datasets.nonfinite import NonfiniteCounts
from causalmer_core.datasets.publish import published
from causalmer_core.datasets.statistics import feature_statistics
from causalmer_core.datasets.stored_split import open_split, open_statistics, write_split, write_statistics

DEFAULT_ROOT = Path("causalmer_data")
ROOT_VARIABLE = "CAUSALMER_DATA"


def default_root() -> Path:
    """The folder of data sets.

    The environment variable CAUSALMER_DATA, else `causalmer_data` in the working directory.
    """
    return Path(os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT)


def list_datasets(root: Path | str) -> tuple[str, ...]:
    """The names of the data sets under `root`, sorted; empty if the folder does not exist."""
    manifests = Path(root).glob("*/manifest.json")
    return tuple(sorted(p.parent.name for p in manifests if not p.parent.name.startswith(".")))


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
) -> DatasetManifest:
    """Write a data set into its place under `root`, whole or not at all.

    Features are read and written a piece at a time. Statistics and fingerprint come from the written files, so no array
    is ever whole in memory.

    Args:
        root: the folder of data sets; made if need be.
        name: see `checked_name`.
        task: the task.
        splits: `train`, `valid` and `test`.
        source_file: the imported file; only its name without the folder is kept.
        synthetic: the parameters of a drawn data set.
        nonfinite: by split and modality, the reader's counts of NaN and infinities.
        force: replace a data set of this name.

    Raises:
        UserError: the name is not allowed, or in use without `force`; or writing failed.
    """
    root, target = Path(root), _folder(root, name)
    if target.exists() and not force:
        raise UserError(
            f"data set {name!r} is already in {root}; give another --name, or --force to replace it "
            "(sweeps that used it will then refuse to resume, for its fingerprint changes)"
        )
    try:
        with published(target, replace=force) as aside:
            written = {split: write_split(aside, split, splits[split]) for split in SPLITS}
            train = written["train"]
            statistics = {
                m: feature_statistics(train.features[m], lengths=train.lengths.get(m)) for m in MODALITIES
            }
            manifest = DatasetManifest(
                name=name,
                task=task,
                fingerprint=fingerprint(task, written),
                source_file=Path(source_file).name if source_file else None,
                synthetic=synthetic,
                splits={split: summarise(task, written[split]) for split in SPLITS},
                scales={m: scale_of(statistics[m]) for m in MODALITIES},
                nonfinite=nonfinite or {},
            )
            write_statistics(aside, statistics)
            write_text(aside / "manifest.json", manifest.model_dump_json(indent=2))
    except OSError as error:
        raise UserError(
            f"{target}: the data set could not be written ({error.strerror}); nothing is left of it. "
            "Is the disk full, the folder not yours, or another import of the same name under way?"
        ) from error
    return manifest


def _folder(root: Path | str, name: str) -> Path:
    return Path(root) / checked_name(name, "data set")


def read_dataset_manifest(root: Path | str, name: str) -> DatasetManifest:
    """The manifest of a data set.

    Raises:
        UserError: there is no such data set (the message lists those there are), or its manifest is not readable.
    """
    path = _folder(root, name) / "manifest.json"
    if not path.is_file():
        there = list_datasets(root)
        raise UserError(
            f"no data set {name!r} in {root}{did_you_mean(name, there)}; "
            f"there: {', '.join(there) or 'none'}. Make it with "
            f"'causalmer data import FILE --name {name}' or 'causalmer data synth --name {name}'; "
            f"another folder is given with --root or {ROOT_VARIABLE}"
        )
    try:
        return DatasetManifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"{path}: not a manifest of this version ({'.'.join(map(str, first['loc']))}: {first['msg']}); "
            "import the data set again with --force"
        ) from error


def open_training_data(root: Path | str, name: str) -> TrainingData:
    """The training and the validation split of a data set, and the statistics; never the test split.

    Features and labels are read-only memory maps.

    Raises:
        UserError: there is no such data set, or its files differ from its manifest.
    """
    manifest = read_dataset_manifest(root, name)
    folder = _folder(root, name)
    return TrainingData(
        name=manifest.name,
        task=manifest.task,
        fingerprint=manifest.fingerprint,
        train=open_split(folder, manifest, "train"),
        valid=open_split(folder, manifest, "valid"),
        statistics={m: open_statistics(folder, manifest, m) for m in MODALITIES},
    )


def open_test_split(root: Path | str, name: str) -> Split:
    """The test split of a data set. Only final evaluation calls this.

    Raises:
        UserError: as `open_training_data`.
    """
    return open_split(_folder(root, name), read_dataset_manifest(root, name), "test")


def verify_dataset(root: Path | str, name: str) -> None:
    """Read all arrays and compare their fingerprint with the manifest's.

    Raises:
        UserError: they differ: the files were altered after the import.
    """
    manifest = read_dataset_manifest(root, name)
    folder = _folder(root, name)
    found = fingerprint(manifest.task, {split: open_split(folder, manifest, split) for split in SPLITS})
    if found != manifest.fingerprint:
        raise UserError(
            f"{folder}: the arrays do not have the manifest's fingerprint (found {found[:16]}, manifest "
            f"{manifest.fingerprint[:16]}): they were altered after the import; import the data set again with --force"
        )
