"""The forms in which the field's files give labels, read into the one form of each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from causalmer_core.errors import UserError
from causalmer_core.task import Task, TaskKind

IEMOCAP_EMOTIONS = ("neutral", "happy", "sad", "angry")
"""The order of the four emotions in MulT's processed IEMOCAP file."""

Labels = NDArray[np.int64] | NDArray[np.float32]

ALLOWED_FORMS = {
    TaskKind.EMOTIONS: "(N, E, 2) one-hot pairs (not this emotion, this emotion) or (N, E) of 0 and 1",
    TaskKind.CLASSES: "(N,) or (N, 1) whole numbers from 0, or one-hot (N, C) or (N, 1, C)",
    TaskKind.REGRESSION: "(N,), (N, 1) or (N, 1, 1) finite numbers",
}


def read_labels(values: object, kind: TaskKind, where: str) -> tuple[Labels, int]:
    """The labels of one split in the task's form, and the number of label names that they call for.

    `where` (file, split and key) begins every message.

    Raises:
        UserError: the labels have none of the forms of the task.
    """
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf":
        found = f"dtype {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        raise UserError(
            f"{where}: found {found}; allowed: an array of numbers of shape {ALLOWED_FORMS[kind]}"
        )
    if not np.isfinite(values).all():
        raise UserError(
            f"{where}: {int((~np.isfinite(values)).sum())} labels are NaN or infinite; remove them"
        )
    reader = {
        TaskKind.EMOTIONS: _emotions,
        TaskKind.CLASSES: _classes,
        TaskKind.REGRESSION: _regression,
    }[kind]
    result = reader(values)
    if isinstance(result, str):
        raise UserError(
            f"{where}: found shape {values.shape}, {result}; a task {kind.value!r} allows {ALLOWED_FORMS[kind]}; "
            "is it another task (--task)?"
        )
    return result


def _one_hot(values: NDArray[Any]) -> bool:
    return bool(np.isin(values, (0, 1)).all() and (values.sum(axis=-1) == 1).all())


def _emotions(values: NDArray[Any]) -> tuple[Labels, int] | str:
    if values.ndim == 3 and values.shape[2] == 2:
        if not _one_hot(values):
            return "whose pairs are not one-hot"
        return values.argmax(axis=2).astype(np.int64), values.shape[1]
    if values.ndim == 2:
        if not np.isin(values, (0, 1)).all():
            return f"with values from {values.min()} to {values.max()}"
        return values.astype(np.int64), values.shape[1]
    return "which is neither form"


def _classes(values: NDArray[Any]) -> tuple[Labels, int] | str:
    flat = values[:, 0] if values.ndim == 3 and values.shape[1] == 1 else values
    if flat.ndim == 2 and flat.shape[1] > 1:
        if not _one_hot(flat):
            return "whose rows are not one-hot"
        return flat.argmax(axis=1).astype(np.int64), flat.shape[1]
    if flat.ndim > 2 or flat.size != len(flat):
        return "which is neither form"
    flat = flat.reshape(-1)
    if (flat < 0).any() or (flat != np.floor(flat)).any():
        return f"with values from {flat.min()} to {flat.max()} that are not whole numbers from 0"
    return flat.astype(np.int64), int(flat.max()) + 1


def _regression(values: NDArray[Any]) -> tuple[Labels, int] | str:
    if values.ndim > 3 or values.size != len(values):
        return "with more than one number a sample"
    return values.reshape(-1).astype(np.float32), 1


def default_label_names(kind: TaskKind, count: int) -> tuple[str, ...]:
    """Names where the user gives none: IEMOCAP's for four emotions, else numbered; `sentiment` for a score."""
    if kind is TaskKind.REGRESSION:
        return ("sentiment",)
    if kind is TaskKind.EMOTIONS and count == len(IEMOCAP_EMOTIONS):
        return IEMOCAP_EMOTIONS
    stem = "emotion" if kind is TaskKind.EMOTIONS else "class"
    return tuple(f"{stem}_{i}" for i in range(count))


def make_task(kind: TaskKind, count: int, names: Sequence[str] | None, where: str) -> Task:
    """The task for `count` labels, with the user's names or the default ones.

    Raises:
        UserError: there are not as many names as labels, or they repeat.
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
    """How often each label stands in a split.

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
