"""Metrics of a task, each with its direction declared and its convention in its name.

Emotions (IEMOCAP form; each emotion is a binary decision by the argmax of its pair of logits):
`accuracy` and `weighted_f1` are averages over emotions, `accuracy_<emotion>` and `weighted_f1_<emotion>` the parts,
`exact_match` the share of samples with every emotion right. Compare them with the majority baseline: a predictor
of all zeros scores high on IEMOCAP.

Classes: `accuracy`, `weighted_f1`, and for each class `recall_<class>`, the share of its samples that are found, and
`f1_<class>`. Their means, weighted by the classes' support, are the accuracy and the weighted F1.

Regression (CMU-MOSI and CMU-MOSEI, scores in [-3, 3]): `mae`; `correlation` (Pearson); `accuracy_7` and
`accuracy_5`, scores clipped to [-3, 3] and to [-2, 2] and rounded half to even, as NumPy rounds;
`accuracy_2_nonnegative` and `weighted_f1_nonnegative` for negative against non-negative;
`accuracy_2_positive` and `weighted_f1_positive` for negative against positive, true zeros left out.

Weighted F1 is the mean of the classes' F1, weighted by their support. It equals scikit-learn's (tested), whose import
would be a quarter of a training process's start time. Undefined values (the correlation of constants, an empty set of
samples) are 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.errors import unknown_name
from causalmer_core.basics.task import Task, TaskKind

Array = NDArray[Any]
Direction = Literal["max", "min"]
"""Whether more or less of a metric is better."""

_REGRESSION_METRICS = (
    "mae",
    "correlation",
    "accuracy_7",
    "accuracy_5",
    "accuracy_2_nonnegative",
    "weighted_f1_nonnegative",
    "accuracy_2_positive",
    "weighted_f1_positive",
)
_LOWER_IS_BETTER = frozenset({"mae"})


Value = TypeVar("Value", float, NDArray[np.float64])


def oriented(value: Value, direction: Direction) -> Value:
    """The value, or its negative where lower is better: of two oriented values the higher is always better."""
    return value if direction == "max" else -value


def better_word(direction: Direction) -> str:
    """`higher` or `lower`: which values are better."""
    return "higher" if direction == "max" else "lower"


def metric_directions(task: Task) -> dict[str, Direction]:
    """The task's metrics in their order, each with its direction, `max` or `min`."""
    names: tuple[str, ...]
    if task.kind is TaskKind.REGRESSION:
        names = _REGRESSION_METRICS
    elif task.kind is TaskKind.CLASSES:
        parts = tuple(f"{metric}_{label}" for metric in ("recall", "f1") for label in task.labels)
        names = ("accuracy", "weighted_f1", *parts)
    else:
        parts = tuple(f"{metric}_{label}" for metric in ("accuracy", "weighted_f1") for label in task.labels)
        names = ("accuracy", "weighted_f1", "exact_match", *parts)
    return {name: metric_direction(name) for name in names}


def metric_direction(name: str) -> Direction:
    """The direction of a metric of any task."""
    return "min" if name in _LOWER_IS_BETTER else "max"


def checked_metric(task: Task, name: str) -> Direction:
    """The direction of a metric of the task.

    Raises:
        UserError: the task has no metric of that name.
    """
    directions = metric_directions(task)
    if name not in directions:
        raise unknown_name(f"metric of a {task.kind} task", name, directions)
    return directions[name]


def label_metrics(names: Collection[str], metric: str) -> dict[str, str]:
    """For each emotion or class, the metric of it alone that belongs to `metric`; empty for a regression.

    `weighted_f1_<emotion>` or `f1_<class>` belong to any weighted F1; `accuracy_<emotion>` or `recall_<class>`, whose
    mean is the accuracy, belong to every other metric.

    Args:
        names: all metrics of a task (`metric_directions`).
        metric: one of them.
    """
    by_f1 = metric.startswith(("weighted_f1", "f1_"))
    if "exact_match" in names:
        prefix = "weighted_f1_" if by_f1 else "accuracy_"
    elif any(name.startswith("recall_") for name in names):
        prefix = "f1_" if by_f1 else "recall_"
    else:
        return {}
    return {name.removeprefix(prefix): name for name in names if name.startswith(prefix)}


def predicted_labels(task: Task, logits: Array) -> Array:
    """Decisions from `logits (samples, outputs)`, in the form of the labels; regression: the scores themselves."""
    if task.kind is TaskKind.EMOTIONS:
        return np.asarray(logits.reshape(len(logits), -1, 2).argmax(-1))
    if task.kind is TaskKind.CLASSES:
        return np.asarray(logits.argmax(-1))
    return logits.reshape(-1)


def compute_metrics(task: Task, predictions: Array, labels: Array) -> dict[str, float]:
    """Every metric of the task for decisions or scores in the form of `predicted_labels`."""
    if task.kind is TaskKind.REGRESSION:
        values = _regression(np.asarray(predictions, np.float64), np.asarray(labels, np.float64))
    elif task.kind is TaskKind.CLASSES:
        values = _classes(task, predictions, labels)
    else:
        values = _emotions(task, predictions, labels)
    return {name: values[name] for name in metric_directions(task)}


def metric_notes(task: Task, predictions: Array, labels: Array) -> tuple[str, ...]:
    """Notes on metrics that are undefined or trivial on these samples, one sentence each."""
    if task.kind is TaskKind.REGRESSION:
        return tuple(_regression_notes(np.asarray(predictions), np.asarray(labels)))
    columns = labels if labels.ndim == 2 else labels[:, None]
    names = task.labels if task.kind is TaskKind.EMOTIONS else ("the labels",)
    single = [name for name, column in zip(names, columns.T, strict=True) if len(np.unique(column)) < 2]
    notes = [f"only one value of {name} is present, so predicting it always is perfect" for name in single]
    if task.kind is TaskKind.CLASSES:
        absent = [label for index, label in enumerate(task.labels) if not np.any(labels == index)]
        notes += [
            f"no sample is of class {label}, so its recall is undefined and given as 0" for label in absent
        ]
    return tuple(notes)


def _regression_notes(scores: Array, labels: Array) -> Iterator[str]:
    for name, values in (("predictions", scores), ("labels", labels)):
        if len(values) and np.ptp(values) == 0:
            yield f"the {name} are constant, so the correlation is undefined and given as 0"
    if not np.any(labels):
        yield "no label differs from 0, so accuracy_2_positive and weighted_f1_positive are undefined and given as 0"


def majority_predictions(task: Task, train_labels: Array, count: int) -> Array:
    """The majority baseline's predictions for `count` samples.

    The most frequent value of each emotion, the most frequent class, or the median score of the training labels.
    """
    if task.kind is TaskKind.REGRESSION:
        return np.full(count, np.median(train_labels))
    if task.kind is TaskKind.CLASSES:
        return np.full(count, np.bincount(train_labels).argmax())
    return np.tile((train_labels.mean(axis=0) > 0.5).astype(np.int64), (count, 1))


def _emotions(task: Task, predictions: Array, labels: Array) -> dict[str, float]:
    values: dict[str, float] = {}
    for column, label in enumerate(task.labels):
        values[f"accuracy_{label}"] = _accuracy(labels[:, column], predictions[:, column])
        values[f"weighted_f1_{label}"] = _weighted_f1(labels[:, column], predictions[:, column])
    for metric in ("accuracy", "weighted_f1"):
        values[metric] = float(np.mean([values[f"{metric}_{label}"] for label in task.labels]))
    values["exact_match"] = _mean((predictions == labels).all(axis=1))
    return values


def _classes(task: Task, predictions: Array, labels: Array) -> dict[str, float]:
    values = {"accuracy": _accuracy(labels, predictions), "weighted_f1": _weighted_f1(labels, predictions)}
    for index, label in enumerate(task.labels):
        truth, said = labels == index, predictions == index
        values[f"recall_{label}"] = _mean(said[truth])
        values[f"f1_{label}"] = _f1(truth, said)
    return values


def _regression(scores: Array, labels: Array) -> Mapping[str, float]:
    nonzero = labels != 0
    return {
        "mae": _mean(np.abs(scores - labels)),
        "correlation": _correlation(scores, labels),
        "accuracy_7": _accuracy(nearest_sentiments(labels, 3), nearest_sentiments(scores, 3)),
        "accuracy_5": _accuracy(nearest_sentiments(labels, 2), nearest_sentiments(scores, 2)),
        "accuracy_2_nonnegative": _accuracy(labels >= 0, scores >= 0),
        "weighted_f1_nonnegative": _weighted_f1(labels >= 0, scores >= 0),
        "accuracy_2_positive": _accuracy(labels[nonzero] > 0, scores[nonzero] > 0),
        "weighted_f1_positive": _weighted_f1(labels[nonzero] > 0, scores[nonzero] > 0),
    }


def nearest_sentiments(scores: Array, bound: int) -> Array:
    """Sentiment scores clipped to `[-bound, bound]` and rounded half to even."""
    return np.asarray(np.clip(scores, -bound, bound).round())


def _mean(values: Array) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def _accuracy(labels: Array, predictions: Array) -> float:
    return _mean(labels == predictions)


def _weighted_f1(labels: Array, predictions: Array) -> float:
    classes = [(labels == value, predictions == value) for value in np.unique(labels)]
    return float(sum(_mean(truth) * _f1(truth, said) for truth, said in classes))


def _f1(truth: Array, said: Array) -> float:
    """`2 TP / (positives + predicted positives)`, 0 if there are neither."""
    either = np.sum(truth) + np.sum(said)
    return float(2 * np.sum(truth & said) / either) if either else 0.0


def _correlation(scores: Array, labels: Array) -> float:
    if len(labels) < 2 or np.ptp(scores) == 0 or np.ptp(labels) == 0:
        return 0.0
    return float(np.corrcoef(scores, labels)[0, 1])
