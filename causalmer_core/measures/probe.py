"""Linear probes of the modalities: a quick check for shortcuts.

A modality has a shortcut if its linear classifier is nearly perfect in training and no better than chance in
validation: its features identify the training sample rather than the emotion. The test split is not used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.base import TrainingData
from causalmer_core.measures.linear_classifier import POOLINGS, LinearClassifier, Pooling
from causalmer_core.measures.metrics import compute_metrics, majority_predictions

GAP = 0.2
"""A training score that exceeds the validation score by this much gets a remark."""

PROBE_METRICS = {
    TaskKind.EMOTIONS: "accuracy",
    TaskKind.CLASSES: "accuracy",
    TaskKind.REGRESSION: "accuracy_2_nonnegative",
}
"""The metric of a probe."""


@dataclass(frozen=True, slots=True)
class ProbeScore:
    """The scores of a linear probe of some modalities.

    Attributes:
        modalities: the modalities it uses; empty for the majority baseline.
        pooling: `last`: the last present step; `mean`: the mean over the present steps. None: the majority baseline.
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
        """`overfits`: far better in training; `shortcut`: also no better than a constant in validation; else empty."""
        if self.train - self.valid < GAP:
            return ""
        return "shortcut" if self.valid <= self.constant else "overfits"


def probe(data: TrainingData) -> tuple[ProbeScore, ...]:
    """The scores of the majority baseline, then for each pooling of each modality alone and of all together."""
    train, valid = np.asarray(data.train.labels), np.asarray(data.valid.labels)

    def score(predictions: NDArray[Any], labels: NDArray[Any]) -> float:
        return compute_metrics(data.task, predictions, labels)[PROBE_METRICS[data.task.kind]]

    def constant(source: NDArray[Any], labels: NDArray[Any]) -> float:
        return score(majority_predictions(data.task, source, len(labels)), labels)

    best = constant(valid, valid)
    scores = [ProbeScore((), None, constant(train, train), constant(train, valid), best)]
    for pooling in POOLINGS:
        for modalities in (*((m,) for m in MODALITIES), MODALITIES):
            model = LinearClassifier(data.task, data.train, modalities, pooling)
            on_train, on_valid = model.predict(data.train), model.predict(data.valid)
            scores.append(
                ProbeScore(modalities, pooling, score(on_train, train), score(on_valid, valid), best)
            )
    return tuple(scores)
