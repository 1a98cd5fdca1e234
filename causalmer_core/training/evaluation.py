"""The evaluation of a model on a split: losses, predictions and metrics, under an ablation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from causalmer_core.config.run_config import LossConfig
from causalmer_core.datasets.batches import Batches
from causalmer_core.measures.ablation import NO_ABLATION, Ablation
from causalmer_core.measures.metrics import Array, compute_metrics, metric_notes, predicted_labels
from causalmer_core.models.build import AnyModel
from causalmer_core.training.compute import Precision, layers_in


@dataclass(frozen=True, slots=True)
class MeanLosses:
    """Losses as means over samples; see `causalmer_core.method.losses.LossTerms`."""

    total: float
    task: float
    kl: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The evaluation of a model on a split.

    Attributes:
        losses: means over the samples.
        metrics: every metric of the task.
        logits: `(samples, outputs)`, from which the model predicts.
        notes: notes on undefined or trivial metrics, in words.
    """

    losses: MeanLosses
    metrics: dict[str, float]
    logits: Array
    notes: tuple[str, ...]


class LossMeter:
    """Running means of losses over samples."""

    def __init__(self) -> None:
        self._sums = np.zeros(3)
        self._count = 0

    def add(self, losses: MeanLosses, samples: int) -> None:
        """Count the mean losses of `samples` samples."""
        self._sums += samples * np.array([losses.total, losses.task, losses.kl])
        self._count += samples

    def means(self) -> MeanLosses:
        """The means so far."""
        total, task, kl = (self._sums / self._count).tolist()
        return MeanLosses(total, task, kl)


@torch.no_grad()
def evaluate(
    model: AnyModel,
    batches: Batches,
    loss: LossConfig,
    *,
    ablation: Ablation = NO_ABLATION,
    precision: Precision = "float32",
) -> Evaluation:
    """Evaluate a model on batches of a split, under an ablation. The model stays in evaluation mode."""
    model.eval()
    meter = LossMeter()
    logits, labels = [], []
    for batch in ablation.applied(batches):
        with layers_in(precision, batches.device):
            output = model(batch)
        terms = model.loss(output, batch.labels, loss)
        meter.add(MeanLosses(terms.total.item(), terms.task.item(), terms.kl.item()), len(batch))
        logits.append(model.predict(output).float().cpu().numpy())
        labels.append(batch.labels.cpu().numpy())
    all_logits, all_labels = np.concatenate(logits), np.concatenate(labels)
    decisions = predicted_labels(model.task, all_logits)
    return Evaluation(
        losses=meter.means(),
        metrics=compute_metrics(model.task, decisions, all_labels),
        logits=all_logits,
        notes=metric_notes(model.task, decisions, all_labels),
    )
