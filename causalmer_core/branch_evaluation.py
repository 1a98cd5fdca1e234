"""All that a counterfactual model can predict by, beside its TIE: what the published inference script leaves out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from causalmer_core.causalmer import CausalMER
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.batches import Batches, chosen_statistics
from causalmer_core.emotion_model import BranchOutput
from causalmer_core.errors import UserError
from causalmer_core.metrics import compute_metrics, predicted_labels
from causalmer_core.modality import Modality
from causalmer_core.trained_model import TrainedModel

PREDICTIONS = ("tie", "te", "factual", "backbone", "text", "audio", "vision")
"""The total indirect effect, by which the method predicts; the total effect; the fused logits; each branch alone."""

BATCH_SIZE = 256


def predictions(model: CausalMER, output: BranchOutput) -> dict[str, Tensor]:
    """The logits `(batch, outputs)` of each of `PREDICTIONS`."""
    found = model.effects(output.logits)
    z = output.logits
    logits = (model.predict(output), found.te, found.factual, z.multimodal, z.text, z.audio, z.vision)
    return dict(zip(PREDICTIONS, logits, strict=True))


def evaluate_predictions(
    trained: TrainedModel, data: TrainingData, split: Split, removed: Iterable[Modality]
) -> dict[str, dict[str, float]]:
    """Every metric of the task for each of `PREDICTIONS`, on the CPU.

    Args:
        trained: a counterfactual model; it is left in evaluation mode.
        data: the data set, for its task and its statistics.
        split: the samples.
        removed: modalities that are set to zero, after standardisation where the configuration asks for that.

    Raises:
        UserError: the model is not a counterfactual one.
    """
    model, gone = trained.model, tuple(removed)
    if not isinstance(model, CausalMER):
        raise UserError(
            f"a checkpoint with debiasing {trained.config.model.debiasing!r} has no effects; allowed: 'counterfactual'"
        )
    statistics = chosen_statistics(data, trained.config.data.standardise)
    batches = Batches(split, statistics, size=BATCH_SIZE, device=torch.device("cpu"))
    logits: dict[str, list[Tensor]] = {name: [] for name in PREDICTIONS}
    model.eval()
    with torch.no_grad():
        for batch in batches():
            for name, values in predictions(model, model(batch.without(gone))).items():
                logits[name].append(values)
    labels = np.asarray(split.labels)
    return {
        name: compute_metrics(data.task, predicted_labels(data.task, torch.cat(parts).numpy()), labels)
        for name, parts in logits.items()
    }
