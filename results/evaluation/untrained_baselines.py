"""Baselines without training runs: the majority of the labels, and a linear classifier.

A deep model that does not beat them has learned nothing worth its cost. Baselines have neither a seed nor a
configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from causalmer_core.basics.modality import MODALITIES, subsets
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.measures.ablation import NO_ABLATION, Ablation
from causalmer_core.measures.linear_classifier import LinearClassifier
from causalmer_core.measures.metrics import majority_predictions
from results.evaluation.prediction_rows import ablation_columns, metric_columns

MAJORITY, LINEAR = "majority", "linear"


def baseline_rows(data: TrainingData, test: Split) -> Iterator[dict[str, Any]]:
    """The baselines' rows of the evaluations table.

    The majority uses no modality and has one row. The linear classifier has a row for every subset of the modalities. A
    removed modality is replaced by its training mean (see `causalmer_core.measures.linear_classifier`).
    """
    majority = majority_predictions(data.task, data.train.labels, len(test))
    yield _row(MAJORITY, NO_ABLATION, metric_columns(data.task, majority, test.labels))
    linear = LinearClassifier(data.task, data.train)
    for present in subsets():
        ablation = Ablation(modalities=frozenset(MODALITIES) - present)
        predictions = linear.predict(test, removed=ablation.modalities)
        yield _row(LINEAR, ablation, metric_columns(data.task, predictions, test.labels))


def _row(name: str, ablation: Ablation, metrics: dict[str, Any]) -> dict[str, Any]:
    key = {"contender": name, "config_id": None, "seed": None, "attempt": None}
    return {**key, **ablation_columns(ablation), "prediction": name, **metrics}
