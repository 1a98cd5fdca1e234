"""A linear probe of each modality: the quick look that shows a shortcut.

A modality whose linear classifier is nearly perfect in training and no better than chance in validation carries a
shortcut: features that say which training sample it is rather than what is felt. The test split is not looked at.
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
"""Training so much better than validation is remarked upon."""

PROBE_METRICS = {
    TaskKind.EMOTIONS: "accuracy",
    TaskKind.CLASSES: "accuracy",
    TaskKind.REGRESSION: "accuracy_2_nonnegative",
}
"""What a probe is judged by."""


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
