"""A linear probe of each modality: the quick look that shows a shortcut.

A linear classifier on one vector a sample, standardised by the training split: L2-regularised logistic regression
(C = 0.01, one a binary emotion), for a score ridge regression of the same strength. A modality that is nearly perfect
in training and no better than chance in validation carries a shortcut: features that say which training sample it is
rather than what is felt. The test split is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.statistics import present_steps
from causalmer_core.metrics import compute_metrics, majority_predictions
from causalmer_core.modality import MODALITIES, Modality
from causalmer_core.seeding import numpy_stream
from causalmer_core.task import Task, TaskKind

Pooling = Literal["last", "mean"]
POOLINGS: tuple[Pooling, ...] = ("last", "mean")
REGULARISATION = 0.01
"""scikit-learn's C of the logistic regressions."""
MOST_SAMPLES = 5000
"""Larger training splits are thinned by the stream `probe` of seed 0."""
GAP = 0.2
"""Training so much better than validation is remarked upon."""

PROBE_METRICS = {
    TaskKind.EMOTIONS: "accuracy",
    TaskKind.CLASSES: "accuracy",
    TaskKind.REGRESSION: "accuracy_2_nonnegative",
}
"""What a probe is judged by."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ProbeScore:
    """How well some modalities predict, by a linear map of one vector a sample.

    Attributes:
        modalities: those looked at; none for the majority baseline.
        pooling: `last`: the last step that is there; `mean`: the mean over the steps that are there.
        train, valid: the metric of `PROBE_METRICS` on each split.
        constant: the metric of the best constant prediction on the validation split.
    """

    modalities: tuple[Modality, ...]
    pooling: Pooling | None
    train: float
    valid: float
    constant: float

    @property
    def remark(self) -> Literal["", "overfits", "shortcut"]:
        """`overfits`: far better on training; `shortcut`: and on validation no better than a constant."""
        if self.train - self.valid < GAP:
            return ""
        return "shortcut" if self.valid <= self.constant else "overfits"


def probe(data: TrainingData) -> tuple[ProbeScore, ...]:
    """The majority baseline, then by pooling each modality alone and all together."""
    chosen = np.arange(len(data.train))
    if len(chosen) > MOST_SAMPLES:
        chosen = np.sort(numpy_stream(0, "probe").permutation(len(chosen))[:MOST_SAMPLES])
    train_labels, valid_labels = np.asarray(data.train.labels)[chosen], np.asarray(data.valid.labels)
    majority = _majority(data.task, train_labels, valid_labels)
    scores = [majority]
    for pooling in POOLINGS:
        train = {m: pooled(data.train, m, pooling)[chosen] for m in MODALITIES}
        valid = {m: pooled(data.valid, m, pooling) for m in MODALITIES}
        for looked_at in (*((m,) for m in MODALITIES), MODALITIES):
            fitted = _Fitted(data.task, _joined(train, looked_at), train_labels)
            scores.append(
                ProbeScore(
                    looked_at,
                    pooling,
                    fitted.score(_joined(train, looked_at), train_labels),
                    fitted.score(_joined(valid, looked_at), valid_labels),
                    majority.constant,
                )
            )
    return tuple(scores)


def pooled(split: Split, modality: Modality, pooling: Pooling) -> Vectors:
    """One vector a sample, `(samples, width)`: its last step that is there, or their mean; 0 where there is none.

    `last` of a modality without lengths is the last step of the array, as backbones take it.
    """
    lengths = split.lengths.get(modality)
    parts = []
    for chunk, present in present_steps(split.features[modality], lengths):
        if pooling == "mean":
            counts = np.maximum(present.sum(axis=1, keepdims=True), 1)
            parts.append((chunk * present[:, :, None]).sum(axis=1) / counts)
        else:
            start = sum(map(len, parts))
            of_chunk = None if lengths is None else np.asarray(lengths[start : start + len(chunk)])
            last = np.full(len(chunk), chunk.shape[1]) if of_chunk is None else np.maximum(of_chunk, 1)
            parts.append(chunk[np.arange(len(chunk)), last - 1])
    return np.concatenate(parts).astype(np.float32)


def _joined(vectors: dict[Modality, Vectors], modalities: Iterable[Modality]) -> Vectors:
    return np.concatenate([vectors[m] for m in modalities], axis=1)


def _majority(task: Task, train: NDArray[Any], valid: NDArray[Any]) -> ProbeScore:
    def score(labels: NDArray[Any], source: NDArray[Any]) -> float:
        predictions = majority_predictions(task, source, len(labels))
        return compute_metrics(task, predictions, labels)[PROBE_METRICS[task.kind]]

    return ProbeScore((), None, score(train, train), score(valid, train), score(valid, valid))


class _Fitted:
    """Linear maps fitted to the labels of a task."""

    def __init__(self, task: Task, vectors: Vectors, labels: NDArray[Any]) -> None:
        self._task = task
        targets = labels.T if task.kind is TaskKind.EMOTIONS else [labels]
        self._models = [self._fit(vectors, target) for target in targets]

    def _fit(self, vectors: Vectors, target: NDArray[Any]) -> Any:
        if self._task.kind is TaskKind.REGRESSION:
            model: Any = Ridge(alpha=1 / REGULARISATION)
        elif len(np.unique(target)) < 2:
            return target[0]  # nothing to tell apart
        else:
            model = LogisticRegression(C=REGULARISATION, max_iter=1000)
        return make_pipeline(StandardScaler(), model).fit(vectors, target)

    def score(self, vectors: Vectors, labels: NDArray[Any]) -> float:
        """The metric on other vectors."""
        columns = [
            model.predict(vectors) if hasattr(model, "predict") else np.full(len(vectors), model)
            for model in self._models
        ]
        decisions = np.stack(columns, axis=1) if self._task.kind is TaskKind.EMOTIONS else columns[0]
        return compute_metrics(self._task, decisions, labels)[PROBE_METRICS[self._task.kind]]
