"""Reads a file of the field in any known layout, checks it and gives it in our forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.datasets.base import Lengths, Samples, Split
from causalmer_core.datasets.labels import Labels, ReadLabels, make_task, read_labels
from causalmer_core.datasets.nonfinite import Nonfinite, NonfiniteCounts
from causalmer_core.datasets.reading.array_roles import ArrayRole, table_of
from causalmer_core.datasets.reading.features import FileFeatures, read_features
from causalmer_core.datasets.reading.ids import made_ids, read_ids
from causalmer_core.datasets.reading.layouts.base import (
    IDS,
    LABELS,
    LENGTHS,
    SPLITS,
    Contents,
    Layout,
    keys_of,
)
from causalmer_core.datasets.reading.layouts.recognise import LayoutName, open_file
from causalmer_core.datasets.reading.lengths import read_lengths


@dataclass(frozen=True, slots=True)
class ImportedData:
    """The contents of a file of the field, checked and in our forms.

    Attributes:
        layout: the name of its layout.
        task: the task.
        splits: `train`, `valid` and `test`; features stay in the file and are converted on access.
        nonfinite: by split and modality, counts of the numbers that were not finite.
        array_roles: the roles of each array, and the arrays that were left out.
    """

    layout: str
    task: Task
    splits: Mapping[str, Split]
    nonfinite: Mapping[str, Mapping[Modality, NonfiniteCounts]]
    array_roles: tuple[ArrayRole, ...]


def read_data_file(
    path: Path | str,
    kind: TaskKind | None = None,
    label_names: Sequence[str] | None = None,
    *,
    layout: LayoutName | None = None,
    array_roles: Mapping[str, str] | None = None,
    nonfinite: Nonfinite = "refuse",
) -> ImportedData:
    """Read a file in one of the layouts of `layouts`. Nothing in it is run; its features are not held in memory.

    Minus infinity in audio becomes 0, as in MulT's own reader. Any other NaN or infinity is an error, or becomes 0
    with `nonfinite="zero"`. A split without ids (MulT's IEMOCAP) gets `train-0`, `train-1`, ...

    Args:
        path: a pickle, an `.npz` file, or a folder of `.npy` files. It must stay as it is while the result is in use.
        kind: the form of the task. None: the layout's, or as `labels.read_labels` recognises it.
        label_names: the emotions' or classes' names in the order of the file. None: those of the layout or of the form
            of the labels, else `default_label_names`.
        layout: the layout. None: it is recognised.
        array_roles: by role (`layouts.base.ROLES`), keys that replace those of the layout; `none` leaves a role out.
        nonfinite: what to do with NaN and infinities.

    Raises:
        UserError: the file is in no such layout. The message names file, split and key, what was found and allowed.
    """
    array_roles = array_roles or {}
    chosen, contents = open_file(path, layout, array_roles)
    if kind is None and LABELS not in array_roles:
        kind = chosen.kind
    keys = {name: keys_of(chosen, contents, name, kind, array_roles) for name in SPLITS}
    labels = _labels(contents, keys, kind)
    splits: dict[str, Split] = {}
    counts: dict[str, dict[Modality, NonfiniteCounts]] = {}
    for name in SPLITS:
        splits[name], counts[name] = _read_split(
            contents, name, keys[name], labels.values[name], chosen.id_separator, nonfinite
        )
    _check_agreement(splits, contents.path)
    task = _task(chosen, labels, keys["train"][LABELS], label_names, f"{contents.path}: labels")
    return ImportedData(chosen.name, task, splits, counts, table_of(contents, keys, labels, splits, counts))


def _labels(contents: Contents, keys: Mapping[str, Mapping[str, str]], kind: TaskKind | None) -> ReadLabels:
    values = {name: _whole(contents.splits[name][keys[name][LABELS]]) for name in SPLITS}
    return read_labels(values, kind, {name: contents.where(name, keys[name][LABELS]) for name in SPLITS})


def _whole(value: object) -> object:
    """The array in memory; any other value as it is."""
    return value[:] if isinstance(value, Samples) else value


def _task(
    layout: Layout, labels: ReadLabels, key: str, label_names: Sequence[str] | None, where: str
) -> Task:
    """The task, with names from the user, else from the form of the labels, else from the layout."""
    names = label_names or labels.names
    count = labels.count
    if names is None and labels.kind is TaskKind.CLASSES and count <= len(layout.class_names.get(key, ())):
        names = layout.class_names[key]
    if names and labels.kind is TaskKind.CLASSES and labels.names is None:
        count = max(count, len(names))  # a class that no sample has can be named
    return make_task(labels.kind, count, names, where)


def _read_split(
    contents: Contents,
    name: str,
    keys: Mapping[str, str],
    labels: Labels,
    id_separator: str,
    nonfinite: Nonfinite,
) -> tuple[Split, dict[Modality, NonfiniteCounts]]:
    found = contents.splits[name]
    features: dict[Modality, FileFeatures] = {}
    counts: dict[Modality, NonfiniteCounts] = {}
    for modality in MODALITIES:
        key = keys[modality.value]
        features[modality], counts[modality] = read_features(
            found[key], modality, nonfinite, contents.where(name, key)
        )
    lengths = _read_lengths(contents, name, keys, {m: values.shape[1] for m, values in features.items()})
    ids = made_ids(len(features[Modality.TEXT]), name)
    if IDS in keys:
        ids = read_ids(_whole(found[keys[IDS]]), contents.where(name, keys[IDS]), id_separator)
    split = Split(features, labels, ids, lengths)
    _check_counts(split, keys, f"{contents.path}: {name}")
    return split, counts


def _read_lengths(
    contents: Contents, name: str, keys: Mapping[str, str], steps: Mapping[Modality, int]
) -> dict[Modality, Lengths]:
    lengths = {}
    for modality, role in LENGTHS.items():
        if role in keys:
            value = _whole(contents.splits[name][keys[role]])
            lengths[modality] = read_lengths(value, steps[modality], role, contents.where(name, keys[role]))
    return lengths


def _check_counts(split: Split, keys: Mapping[str, str], where: str) -> None:
    counts = {keys[m.value]: len(split.features[m]) for m in MODALITIES}
    counts |= {keys[LABELS]: len(split.labels), keys.get(IDS, "ids"): len(split.ids)}
    counts |= {LENGTHS[m]: len(values) for m, values in split.lengths.items()}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{key} {count}" for key, count in counts.items())
        raise UserError(
            f"{where}: the numbers of samples differ ({found}); the first axis must be the samples"
        )


def _check_agreement(splits: Mapping[str, Split], path: Path) -> None:
    """All splits have the same steps, widths and lengths: a model is built for one of each."""
    for modality in MODALITIES:
        shapes = {name: split.features[modality].shape[1:] for name, split in splits.items()}
        if len(set(shapes.values())) > 1:
            found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise UserError(
                f"{path}: {modality.value}: (time, width) differs between splits: {found}; pad with zero steps in "
                "front to one length, and use the same features in all splits"
            )
        given = [name for name, split in splits.items() if modality in split.lengths]
        if given and len(given) < len(splits):
            raise UserError(
                f"{path}: {LENGTHS[modality]}: given for {', '.join(given)} only; give them for all splits, or leave "
                f"them out with --map {LENGTHS[modality]}=none"
            )
    widths = {name: split.labels.shape[1:] for name, split in splits.items()}
    if len(set(widths.values())) > 1:
        raise UserError(f"{path}: labels: the number of emotions differs between splits: {widths}")
