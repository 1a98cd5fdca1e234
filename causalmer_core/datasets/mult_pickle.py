"""The pickle layout of MulT's processed files (IEMOCAP, CMU-MOSI, CMU-MOSEI), which many later papers share.

A dict of `train`, `valid` (or `dev`) and `test`, each a dict of `text`, `audio`, `vision` `(samples, time, width)`,
`labels`, and mostly `id`. Tsai et al., ACL 2019; https://github.com/yaohungt/Multimodal-Transformer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from causalmer_core.datasets.base import FloatArray, Split
from causalmer_core.datasets.labels import Labels, make_task, read_labels
from causalmer_core.datasets.nonfinite import NonfiniteCounts, counted_and_replaced
from causalmer_core.datasets.unpickle import load_plain
from causalmer_core.errors import UserError
from causalmer_core.modality import MODALITIES, Modality
from causalmer_core.task import Task, TaskKind

SPLITS = ("train", "valid", "test")
_OTHER_NAMES = {"valid": ("valid", "dev")}

Nonfinite = Literal["refuse", "zero"]


@dataclass(frozen=True, slots=True)
class ImportedData:
    """What a file of the field holds, checked and in our forms.

    Attributes:
        task: what is predicted.
        splits: `train`, `valid` and `test`.
        nonfinite: by split and modality, the numbers that were not finite.
    """

    task: Task
    splits: Mapping[str, Split]
    nonfinite: Mapping[str, Mapping[Modality, NonfiniteCounts]]


def read_mult_pickle(
    path: Path | str,
    kind: TaskKind,
    label_names: Sequence[str] | None = None,
    *,
    nonfinite: Nonfinite = "refuse",
) -> ImportedData:
    """Read a file in MulT's layout.

    Minus infinity in audio becomes 0, as in MulT's own reader. Any other NaN or infinity is an error, or becomes 0
    with `nonfinite="zero"`. A file without `id` (MulT's IEMOCAP) gets `train-0`, `train-1`, ... as ids.

    Args:
        path: the pickle; nothing in it is run.
        kind: the form of the labels; see `labels.ALLOWED_FORMS`.
        label_names: the emotions' or classes' names in the order of the file; default `default_label_names`.
        nonfinite: what to do with NaN and infinities.

    Raises:
        UserError: the file is not in this layout. The message says file, split, key, what was found and allowed.
    """
    raw = _raw_splits(load_plain(path), path)
    splits: dict[str, Split] = {}
    counts: dict[str, dict[Modality, NonfiniteCounts]] = {}
    names_needed = 0
    for name in SPLITS:
        splits[name], counts[name], needed = _read_split(raw[name], kind, nonfinite, f"{path}: {name}", name)
        names_needed = max(names_needed, needed)
    _check_agreement(splits, path)
    if kind is TaskKind.CLASSES and label_names and len(label_names) > names_needed:
        names_needed = len(label_names)
    task = make_task(kind, names_needed, label_names, f"{path}: labels")
    return ImportedData(task, splits, counts)


def _raw_splits(data: object, path: Path | str) -> dict[str, Mapping[str, Any]]:
    """The three dicts of the file under our names."""
    if not isinstance(data, dict):
        raise UserError(f"{path}: found {type(data).__name__}; allowed: a dict of {', '.join(SPLITS)}")
    raw: dict[str, Mapping[str, Any]] = {}
    for name in SPLITS:
        key = next((k for k in _OTHER_NAMES.get(name, (name,)) if k in data), None)
        if key is None:
            raise UserError(
                f"{path}: split {name!r} is missing; found: {_keys(data)}; needed: {', '.join(SPLITS)}"
            )
        if not isinstance(data[key], dict):
            raise UserError(f"{path}: {key}: found {type(data[key]).__name__}; allowed: a dict of arrays")
        raw[name] = data[key]
    return raw


def _keys(data: Mapping[Any, Any]) -> str:
    return ", ".join(str(k)[:40] for k in list(data)[:12]) or "nothing"


def _read_split(
    raw: Mapping[str, Any], kind: TaskKind, nonfinite: Nonfinite, where: str, name: str
) -> tuple[Split, dict[Modality, NonfiniteCounts], int]:
    """One split, its counts of what is not finite, and how many label names it calls for."""
    for key in (*(m.value for m in MODALITIES), "labels"):
        if key not in raw:
            raise UserError(f"{where}: key {key!r} is missing; found: {_keys(raw)}")
    features: dict[Modality, FloatArray] = {}
    counts: dict[Modality, NonfiniteCounts] = {}
    for modality in MODALITIES:
        features[modality], counts[modality] = _read_features(
            raw[modality.value], modality, nonfinite, f"{where}: {modality.value}"
        )
    labels, needed = read_labels(raw["labels"], kind, f"{where}: labels")
    samples = len(features[Modality.TEXT])
    ids = _read_ids(raw.get("id"), samples, name, f"{where}: id")
    _check_counts(features, labels, ids, where)
    return Split(features, labels, ids), counts, needed


def _read_features(
    values: object, modality: Modality, nonfinite: Nonfinite, where: str
) -> tuple[FloatArray, NonfiniteCounts]:
    allowed = "allowed: an array of numbers of shape (samples, time, width), all at least 1"
    if not isinstance(values, np.ndarray):
        raise UserError(f"{where}: found {type(values).__name__}; {allowed}")
    if values.dtype.kind not in "biuf" or values.ndim != 3 or 0 in values.shape:
        raise UserError(f"{where}: found dtype {values.dtype} and shape {values.shape}; {allowed}")
    features, counts = counted_and_replaced(
        values, replace_all=nonfinite == "zero", replace_negative_infinity=modality is Modality.AUDIO
    )
    if counts.remaining:
        raise UserError(
            f"{where}: {counts.nan} NaN, {counts.positive_infinity} +inf and {counts.negative_infinity} -inf among "
            f"{values.size} numbers; allowed: finite numbers (and -inf in audio, which becomes 0 as published). "
            "Mend the file, or set them to 0 with --nonfinite zero"
        )
    return features, counts


def _read_ids(values: object, samples: int, split: str, where: str) -> tuple[str, ...]:
    """Ids as text; the columns of one sample are joined with `/`."""
    if values is None:
        return tuple(f"{split}-{i}" for i in range(samples))
    if isinstance(values, (list, tuple)) and all(isinstance(x, (str, bytes, int, float)) for x in values):
        values = np.array([_text(x) for x in values], dtype=object)
    if not isinstance(values, np.ndarray) or values.ndim < 1 or values.size == 0:
        found = f"shape {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise UserError(
            f"{where}: found {found}; allowed: one id a sample, as text or numbers, or several columns"
        )
    return tuple("/".join(_text(x) for x in row) for row in values.reshape(len(values), -1).tolist())


def _text(value: object) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _check_counts(
    features: Mapping[Modality, FloatArray], labels: Labels, ids: Sequence[str], where: str
) -> None:
    counts = {m.value: len(features[m]) for m in MODALITIES} | {"labels": len(labels), "id": len(ids)}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{key} {count}" for key, count in counts.items())
        raise UserError(
            f"{where}: the numbers of samples differ ({found}); the first axis must be the samples"
        )


def _check_agreement(splits: Mapping[str, Split], path: Path | str) -> None:
    """All splits have the same steps and widths: a model is built for one of each."""
    for modality in MODALITIES:
        shapes = {name: split.features[modality].shape[1:] for name, split in splits.items()}
        if len(set(shapes.values())) > 1:
            found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise UserError(
                f"{path}: {modality.value}: (time, width) differs between splits: {found}; pad with zero steps in "
                "front to one length, and use the same features in all splits"
            )
    widths = {name: split.labels.shape[1:] for name, split in splits.items()}
    if len(set(widths.values())) > 1:
        raise UserError(f"{path}: labels: the number of emotions differs between splits: {widths}")
