"""All that a counterfactual model can predict by, beside its TIE: what the published inference script leaves out."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from causalmer_core.causalmer import CausalMER
from causalmer_core.datasets.base import Split
from causalmer_core.debiasing import collect, counterfactual
from causalmer_core.effects import BranchLogits
from causalmer_core.metrics import compute_metrics, predicted_labels
from causalmer_core.removal import Removal
from causalmer_core.trained_model import TrainedModel

PREDICTIONS = ("tie", "te", "factual", "backbone", "text", "audio", "vision")
"""The total indirect effect, by which the method predicts; the total effect; the fused logits; each branch alone."""


def predictions(model: CausalMER, z: BranchLogits) -> dict[str, Tensor]:
    """The logits `(batch, outputs)` of each of `PREDICTIONS`, for the branches' logits."""
    found = model.effects(z)
    logits = (model.tie(z), found.te, found.factual, z.multimodal, z.text, z.audio, z.vision)
    return dict(zip(PREDICTIONS, logits, strict=True))


def evaluate_predictions(
    trained: TrainedModel, split: Split, removal: Removal
) -> dict[str, dict[str, float]]:
    """Every metric of the task for each of `PREDICTIONS`, on the CPU.

    Args:
        trained: a counterfactual model; it is left in evaluation mode.
        split: the samples.
        removal: what is taken from them.

    Raises:
        UserError: the model is not a counterfactual one.
    """
    model = counterfactual(trained)
    cached = collect(trained, split, removal=removal)
    labels = np.asarray(split.labels)
    return {
        name: compute_metrics(cached.task, predicted_labels(cached.task, logits.numpy()), labels)
        for name, logits in predictions(model, cached.branches).items()
    }
