"""Labels: the forms in the field's files, read into the one form of each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import Task, TaskKind

IEMOCAP_EMOTIONS = ("neutral", "happy", "sad", "angry")
"""The order of the four emotions in MulT's processed IEMOCAP file."""

SEVEN_CLASSES = ("-3", "-2", "-1", "0", "1", "2", "3")
"""The classes of a sentiment score in [-3, 3], as published for CMU-MOSI and CMU-MOSEI."""

Labels = NDArray[np.int64] | NDArray[np.float32]

ALLOWED_FORMS = {
    TaskKind.EMOTIONS: "(N, E, 2) one-hot pairs (not this emotion, this emotion) or (N, E) of 0 and 1",
    TaskKind.CLASSES: "(N,) or (N, 1) whole numbers from 0, one-hot (N, C) or (N, 1, C), or scores with some below 0",
    TaskKind.REGRESSION: "(N,), (N, 1) or (N, 1, 1) finite numbers",
}


@dataclass(frozen=True, slots=True)
class ReadLabels:
    """The labels of all splits in the form of one task.

    Attributes:
        kind: the form of the task.
        values: by split, with shapes as in `base.Split`.
        count: the number of label names they need.
        form: their form in the file, in words.
        names: the names that the form itself gives, if any.
    """

    kind: TaskKind
    values: Mapping[str, Labels]
    count: int
    form: str
    names: tuple[str, ...] | None = None


def read_labels(found: Mapping[str, object], kind: TaskKind | None, where: Mapping[str, str]) -> ReadLabels:
    """Labels in the task's form.

    Args:
        found: by split, the value in the file.
        kind: the form of the task. None: one-hot pairs are emotions, whole numbers and one-hot rows classes, other
            numbers regression, and other rows of 0 and 1 emotions.
        where: file, split and key of each, for messages.

    Raises:
        UserError: the labels have no form of the task, or of any task.
    """
    arrays = {split: _numbers(values, where[split]) for split, values in found.items()}
    chosen = kind or _recognised(list(arrays.values()), where["train"])
    if chosen is TaskKind.CLASSES and any(x.dtype.kind == "f" and (x < 0).any() for x in arrays.values()):
        reader, names = _seven_classes, SEVEN_CLASSES
    else:
        reader, names = _READERS[chosen], None
    values, counts, forms = {}, [], []
    for split, array in arrays.items():
        result = reader(array)
        if isinstance(result, str):
            raise UserError(
                f"{where[split]}: found shape {array.shape}, {result}; a task {chosen.value!r} allows "
                f"{ALLOWED_FORMS[chosen]}; is it another task (--task)?"
            )
        values[split], count, form = result
        counts.append(count)
        forms.append(form)
    return ReadLabels(chosen, values, max(counts), forms[0], names)


def _numbers(values: object, where: str) -> NDArray[Any]:
    """The labels as an array of finite numbers."""
    if isinstance(values, list) and values and all(isinstance(x, (int, float)) for x in values):
        values = np.array(values)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf" or values.ndim < 1:
        found = f"dtype {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        forms = "; ".join(f"{kind.value}: {form}" for kind, form in ALLOWED_FORMS.items())
        raise UserError(
            f"{where}: found {found}; allowed: an array of numbers ({forms}). If the labels have another key, give it "
            "with --map labels=KEY"
        )
    if not np.isfinite(values).all():
        raise UserError(
            f"{where}: {int((~np.isfinite(values)).sum())} labels are NaN or infinite; remove them"
        )
    return values


def _recognised(arrays: Sequence[NDArray[Any]], where: str) -> TaskKind:
    """The first task whose form all splits have."""
    # Pairs are emotions: one pair alone would have the form of two classes, too.
    order = [TaskKind.CLASSES, TaskKind.REGRESSION, TaskKind.EMOTIONS]
    if all(x.ndim == 3 and x.shape[2] == 2 for x in arrays):
        order = [TaskKind.EMOTIONS]
    for kind in order:
        if not any(isinstance(_READERS[kind](x), str) for x in arrays):
            return kind
    shapes = ", ".join(f"{x.shape} {x.dtype}" for x in arrays)
    forms = "; ".join(f"{kind.value}: {form}" for kind, form in ALLOWED_FORMS.items())
    raise UserError(
        f"{where}: these labels ({shapes}) have the form of no task; allowed: {forms}. If the labels have another "
        "key, give it with --map labels=KEY"
    )


_Read = tuple[Labels, int, str] | str
"""The labels, the number of names they need and their form in words; or what is wrong with them."""


def _one_hot(values: NDArray[Any]) -> bool:
    return bool(np.isin(values, (0, 1)).all() and (values.sum(axis=-1) == 1).all())


def _emotions(values: NDArray[Any]) -> _Read:
    if values.ndim == 3 and values.shape[2] == 2:
        if not _one_hot(values):
            return "whose pairs are not one-hot"
        return values.argmax(axis=2).astype(np.int64), values.shape[1], "one-hot pairs"
    if values.ndim == 2:
        if not np.isin(values, (0, 1)).all():
            return f"with values from {values.min()} to {values.max()}"
        return values.astype(np.int64), values.shape[1], "0 and 1"
    return "which is neither form"


def _classes(values: NDArray[Any]) -> _Read:
    flat = values[:, 0] if values.ndim == 3 and values.shape[1] == 1 else values
    if flat.ndim == 2 and flat.shape[1] > 1:
        if not _one_hot(flat):
            return "whose rows are not one-hot"
        return flat.argmax(axis=1).astype(np.int64), flat.shape[1], "one-hot rows"
    if flat.ndim > 2 or flat.size != len(flat):
        return "which is neither form"
    flat = flat.reshape(-1)
    if (flat < 0).any() or (flat != np.floor(flat)).any():
        return f"with values from {flat.min()} to {flat.max()} that are not whole numbers from 0"
    return flat.astype(np.int64), int(flat.max(initial=0)) + 1, "whole numbers"


def _seven_classes(values: NDArray[Any]) -> _Read:
    """Scores clipped to [-3, 3] and rounded half to even, as NumPy and the published code do."""
    if values.ndim > 3 or values.size != len(values):
        return "with more than one number a sample"
    classes = np.rint(np.clip(values.reshape(-1), -3, 3)).astype(np.int64) + 3
    return classes, len(SEVEN_CLASSES), "scores, clipped to [-3, 3] and rounded half to even"


def _regression(values: NDArray[Any]) -> _Read:
    if values.ndim > 3 or values.size != len(values):
        return "with more than one number a sample"
    return values.reshape(-1).astype(np.float32), 1, "scores"


_READERS = {
    TaskKind.EMOTIONS: _emotions,
    TaskKind.CLASSES: _classes,
    TaskKind.REGRESSION: _regression,
}


def default_label_names(kind: TaskKind, count: int) -> tuple[str, ...]:
    """The names of labels without given ones: IEMOCAP's for four emotions, `sentiment` for a score, else numbered."""
    if kind is TaskKind.REGRESSION:
        return ("sentiment",)
    if kind is TaskKind.EMOTIONS and count == len(IEMOCAP_EMOTIONS):
        return IEMOCAP_EMOTIONS
    stem = "emotion" if kind is TaskKind.EMOTIONS else "class"
    return tuple(f"{stem}_{i}" for i in range(count))


def make_task(kind: TaskKind, count: int, names: Sequence[str] | None, where: str) -> Task:
    """The task for `count` labels, with the user's names or the default ones.

    Raises:
        UserError: the number of names differs from the number of labels, or names repeat.
    """
    given = tuple(names) if names else default_label_names(kind, count)
    if len(given) != count:
        raise UserError(
            f"{where}: the labels call for {count} names and {len(given)} are given ({', '.join(given)}); "
            "give as many with --labels, or none"
        )
    try:
        return Task(kind=kind, labels=given)
    except ValidationError as error:
        raise UserError(f"{where}: {error.errors()[0]['msg']}") from error


def label_counts(task: Task, labels: Labels) -> Mapping[str, int]:
    """The number of samples of each label in a split.

    Emotions: samples that have it. Classes: samples of the class. Regression: samples below, at and above 0.
    """
    if task.kind is TaskKind.EMOTIONS:
        return dict(zip(task.labels, map(int, labels.sum(axis=0)), strict=True))
    if task.kind is TaskKind.CLASSES:
        counts = np.bincount(labels.astype(np.int64), minlength=len(task.labels))
        return dict(zip(task.labels, map(int, counts), strict=True))
    return {
        "negative": int((labels < 0).sum()),
        "zero": int((labels == 0).sum()),
        "positive": int((labels > 0).sum()),
    }
