"""All that a counterfactual model can predict by, beside its TIE: what the published inference script leaves out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from causalmer_core.causalmer import CausalMER
from causalmer_core.datasets.base import Split
from causalmer_core.debiasing import collect, counterfactual
from causalmer_core.effects import BranchLogits
from causalmer_core.metrics import compute_metrics, predicted_labels
from causalmer_core.modality import Modality
from causalmer_core.trained_model import TrainedModel

PREDICTIONS = ("tie", "te", "factual", "backbone", "text", "audio", "vision")
"""The total indirect effect, by which the method predicts; the total effect; the fused logits; each branch alone."""


def predictions(model: CausalMER, z: BranchLogits) -> dict[str, Tensor]:
    """The logits `(batch, outputs)` of each of `PREDICTIONS`, for the branches' logits."""
    found = model.effects(z)
    logits = (model.tie(z), found.te, found.factual, z.multimodal, z.text, z.audio, z.vision)
    return dict(zip(PREDICTIONS, logits, strict=True))


def evaluate_predictions(
    trained: TrainedModel, split: Split, removed: Iterable[Modality]
) -> dict[str, dict[str, float]]:
    """Every metric of the task for each of `PREDICTIONS`, on the CPU.

    Args:
        trained: a counterfactual model; it is left in evaluation mode.
        split: the samples.
        removed: modalities that are set to zero, after standardisation where the configuration asks for that.

    Raises:
        UserError: the model is not a counterfactual one.
    """
    model = counterfactual(trained)
    cached = collect(trained, split, removed=removed)
    labels = np.asarray(split.labels)
    return {
        name: compute_metrics(cached.task, predicted_labels(cached.task, logits.numpy()), labels)
        for name, logits in predictions(model, cached.branches).items()
    }
