"""What needs no training runs, evaluated beside the contenders: the majority of the labels, and a linear classifier.

A deep model that does not beat these has learned nothing worth its cost. Neither has a seed or a configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from causalmer_core.basics.modality import MODALITIES, subsets
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.measures.ablation import NO_ABLATION, Ablation
from causalmer_core.measures.linear_classifier import LinearClassifier
from causalmer_core.measures.metrics import majority_predictions
from results.evaluation.prediction_rows import ablation_columns, judgement

MAJORITY, LINEAR = "majority", "linear"


def baseline_rows(data: TrainingData, test: Split) -> Iterator[dict[str, Any]]:
    """Rows of evaluations: the majority, which looks at nothing, once, and the linear classifier for every subset of
    the modalities; one that is removed is at its training mean (see `causalmer_core.measures.linear_classifier`).
    """
    majority = majority_predictions(data.task, data.train.labels, len(test))
    yield _row(MAJORITY, NO_ABLATION, judgement(data.task, majority, test.labels))
    linear = LinearClassifier(data.task, data.train)
    for present in subsets():
        ablation = Ablation(modalities=frozenset(MODALITIES) - present)
        predictions = linear.predict(test, removed=ablation.modalities)
        yield _row(LINEAR, ablation, judgement(data.task, predictions, test.labels))


def _row(name: str, ablation: Ablation, judged: dict[str, Any]) -> dict[str, Any]:
    key = {"contender": name, "config_id": None, "seed": None, "attempt": None}
    return {**key, **ablation_columns(ablation), "prediction": name, **judged}
