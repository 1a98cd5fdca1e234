"""Confusion and calibration of the contenders, from the predictions on the test split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.measures.metrics import nearest_sentiments
from results.records.predictions_table import PredictionsTable
from results.statistics.intervals import Interval, t_interval

CALIBRATION_BINS = 15
"""The number of bins, as in Guo et al. A bin without samples is skipped."""

_BOUND = 3
"""Sentiment classes are the whole numbers from -3 to 3."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """A confusion matrix.

    Attributes:
        title: the emotion, or the name of the group of classes.
        classes: the names of the classes.
        counts: numbers of samples, summed over seeds, shape (classes, classes): `counts[true][predicted]`.
        seeds: the number of seeds.
    """

    title: str
    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    seeds: int

    def share(self, true: int, predicted: int) -> float | None:
        """The share of a true class's samples with this prediction. None if the class has no sample."""
        whole = sum(self.counts[true])
        return self.counts[true][predicted] / whole if whole else None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration of a contender.

    Attributes:
        error: the expected calibration error, from 0 to 1, as a mean over seeds with its interval.
        confidence, accuracy: means over the samples of all seeds in each bin, shape (bins,).
        samples: the number of samples in each bin, shape (bins,).
    """

    error: Interval
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]
    samples: tuple[int, ...]


def confusions(table: PredictionsTable, config_id: str, contender: str) -> list[Confusion]:
    """The confusion matrices of a contender: one per emotion, or one for all classes.

    Sentiment scores are rounded to whole numbers from -3 to 3, as for the accuracy over seven classes. Empty without
    predictions.

    Args:
        table: the predictions of the sweep.
        config_id: the contender's configuration.
        contender: its name.
    """
    rows, task = _rows(table, config_id, contender), table.task
    if task is None or rows.empty:
        return []
    labels, predicted = _stacked(rows["label"]), _stacked(rows["predicted"])
    seeds = rows["seed"].nunique()
    if task.kind is TaskKind.EMOTIONS:
        columns = enumerate(task.labels)
        return [
            _confusion(name, ("no", "yes"), labels[:, column], predicted[:, column], seeds)
            for column, name in columns
        ]
    if task.kind is TaskKind.CLASSES:
        return [_confusion("classes", task.labels, labels[:, 0], predicted[:, 0], seeds)]
    names = tuple(f"{value:+d}" if value else "0" for value in range(-_BOUND, _BOUND + 1))
    true, decided = (nearest_sentiments(each[:, 0], _BOUND) + _BOUND for each in (labels, predicted))
    title = f"{task.labels[0]}, to the nearest whole number"
    return [_confusion(title, names, true, decided, seeds)]


def calibration(table: PredictionsTable, config_id: str, contender: str) -> Calibration | None:
    """The calibration of a contender: how often its decisions are right, by confidence.

    The confidence of a decision is the softmax of the predicting logits at the predicted class. Each emotion is a
    decision of its own. With the decisions B_m whose confidence is in the m-th of M = 15 bins of equal width

        ECE = sum_m |B_m| / N * |accuracy(B_m) - confidence(B_m)|

    Source: Guo et al., "On calibration of modern neural networks", ICML 2017, eq. 3. A TIE is a difference of logits,
    and no likelihood was trained on it. So it may be accurate and badly calibrated.

    Args:
        table: the predictions of the sweep.
        config_id: the contender's configuration.
        contender: its name.

    Returns:
        The calibration. None for a regression, or without predictions.
    """
    rows, task = _rows(table, config_id, contender), table.task
    if task is None or task.kind is TaskKind.REGRESSION or rows.empty:
        return None
    seeds = [_decisions(group, task) for _, group in rows.groupby("seed")]
    errors = [_calibration_error(sure, right) for sure, right in seeds]
    sure, right = (np.concatenate(parts) for parts in zip(*seeds, strict=True))
    bins = _bins(sure)
    filled = [m for m in range(CALIBRATION_BINS) if (bins == m).any()]
    return Calibration(
        error=t_interval(errors),
        confidence=tuple(float(sure[bins == m].mean()) for m in filled),
        accuracy=tuple(float(right[bins == m].mean()) for m in filled),
        samples=tuple(int((bins == m).sum()) for m in filled),
    )


def _rows(table: PredictionsTable, config_id: str, contender: str) -> pd.DataFrame:
    frame = table.frame
    return frame[(frame["config_id"] == config_id) & (frame["contender"] == contender)]


def _stacked(column: pd.Series) -> NDArray[np.float64]:
    return np.stack([np.asarray(each, np.float64) for each in column])


def _confusion(
    title: str,
    classes: Sequence[str],
    labels: NDArray[np.float64],
    predicted: NDArray[np.float64],
    seeds: int,
) -> Confusion:
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (labels.astype(np.int64), predicted.astype(np.int64)), 1)
    return Confusion(title, tuple(classes), tuple(map(tuple, counts.tolist())), seeds)


def _decisions(rows: pd.DataFrame, task: Task) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The confidence of every decision and whether it is right, both of shape (decisions,)."""
    logits, labels = _stacked(rows["logits"]), _stacked(rows["label"])
    if task.kind is TaskKind.EMOTIONS:
        logits = logits.reshape(-1, 2)
    likely = softmax(logits, axis=1)
    return likely.max(axis=1), likely.argmax(axis=1) == labels.reshape(-1)


def _calibration_error(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    bins, gaps = _bins(sure), right - sure
    return float(sum(abs(gaps[bins == m].sum()) for m in range(CALIBRATION_BINS)) / len(sure))


def _bins(sure: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each confidence, from 0, shape (decisions,). A bin includes its upper edge."""
    return np.clip(np.ceil(sure * CALIBRATION_BINS).astype(np.int64) - 1, 0, CALIBRATION_BINS - 1)
