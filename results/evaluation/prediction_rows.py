"""What one run predicts on a split, by all the ways that are compared: one pass a removal serves all.

tie                 TIE_w with the trained constants and the configured weights
tie:<method>        with the vector that a method chose after training (`debiasing_records`)
factual             the fusion, without counterfactuals
backbone            the multimodal branch alone
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from causalmer_core.basics.task import Task
from causalmer_core.config.run_config import Debiasing
from causalmer_core.datasets.base import Split
from causalmer_core.debiasing.cached_logits import collect, factual, tie, trained_constants
from causalmer_core.debiasing.vector import fixed
from causalmer_core.measures.ablation import Ablation
from causalmer_core.measures.metrics import Array, compute_metrics, metric_notes, predicted_labels
from causalmer_core.training.trained_model import TrainedModel
from results.evaluation.debiasing_records import CONFIGURED, VectorRecord, vector_columns

TIE, FACTUAL, BACKBONE = "tie", "factual", "backbone"
PREDICTS_BY: Mapping[Debiasing, str] = {
    "counterfactual": TIE,
    "late_fusion": FACTUAL,
    "rubi": BACKBONE,
    "learned_mixin": BACKBONE,
    "none": BACKBONE,
}
"""By `model.debiasing`, what a model predicts by."""


def expected_predictions(records: Mapping[str, VectorRecord]) -> list[str]:
    """What `rows` gives for a run with these vectors, by method: the configured TIE alone where there are none."""
    if not records:
        return [TIE]
    return [TIE, *(f"{TIE}:{method}" for method in records if method != CONFIGURED), FACTUAL, BACKBONE]


def rows(
    trained: TrainedModel, split: Split, records: Mapping[str, VectorRecord], ablations: Iterable[Ablation]
) -> Iterator[dict[str, Any]]:
    """For every removal and every prediction a row: `ablation_columns`, `prediction`, the metrics, and for a TIE its
    six numbers, with the validation gain where a method chose them.

    Args:
        trained: a counterfactual model.
        split: the samples.
        records: the vectors chosen for this run, by method.
        ablations: what is taken away, in the order of the rows.

    Raises:
        UserError: the model is none with counterfactuals.
    """
    weights = trained.config.model.debiasing_weights
    configured = fixed(trained_constants(trained), (weights.text, weights.audio, weights.vision))
    for ablation in ablations:
        cached = collect(trained, split, ablation=ablation)
        predicted: dict[str, tuple[Array, Mapping[str, float | None]]] = {
            TIE: (tie(cached, configured), vector_columns(configured))
        }
        for method, record in records.items():
            if method != CONFIGURED:
                predicted[f"{TIE}:{method}"] = (tie(cached, record.vector), record.columns())
        if records:
            predicted[FACTUAL] = (factual(cached), {})
            predicted[BACKBONE] = (cached.multimodal, {})
        for prediction, (logits, columns) in predicted.items():
            judged = judgement(cached.task, predicted_labels(cached.task, logits), cached.labels)
            yield {**ablation_columns(ablation), "prediction": prediction, **columns, **judged}


def ablation_columns(ablation: Ablation) -> dict[str, Any]:
    """What a row of evaluations says of what was taken away."""
    return {"present": ablation.present, "ablation": ablation.kind, "rate": ablation.rate}


def judgement(task: Task, decisions: Array, labels: Array) -> dict[str, Any]:
    """Every metric of the task, and in `notes` which of them are undefined or easy here."""
    notes = "; ".join(metric_notes(task, decisions, labels))
    return {"notes": notes, **compute_metrics(task, decisions, labels)}
