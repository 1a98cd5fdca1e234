"""Debiasing after training: predictions for any constants and weights, from cached logits.

A prediction of CausalMER depends on the trained networks only through the logits z_m, z_t, z_a, z_v of its branches:

    TIE_w = z(m, t, a, v) - z() - sum_k w_k NDE_k(c)        (terms: see `causalmer_core.method.effects`)

The constants c = (c_t, c_a, c_v) get gradient only from the KL term, in which the branches' logits are detached. The
weights w = (w_t, w_a, w_v) are in no loss. So no choice of the six numbers changes what the networks learn, and every
choice can be scored afterwards on the logits of one run on the validation split. Only
`results.evaluation.final_evaluation` opens the test split.

Methods: `vector.fixed` takes given weights, `fit.learned` fits the weights to the task loss, and
`sweeps.debiasing.search` searches all six numbers for the best value of a metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import Task
from causalmer_core.datasets.base import Split
from causalmer_core.debiasing.vector import DebiasingVector, Triple, Vectors
from causalmer_core.measures.ablation import NO_ABLATION, Ablation
from causalmer_core.measures.batched_metrics import batched_metric
from causalmer_core.measures.metrics import Array, compute_metrics, predicted_labels
from causalmer_core.method.effects import BranchLogits, effects
from causalmer_core.method.fusion import Fusion, fusion
from causalmer_core.models.causalmer import CausalMER
from causalmer_core.training.trained_model import TrainedModel

BATCH_SIZE = 256
CHUNK_ELEMENTS = 1 << 16
"""The number of logits that are computed at once, so that they stay in the processor's cache for any K."""


def trained_constants(trained: TrainedModel) -> Triple:
    """The no-treatment constants of a trained CausalMER, of text, audio and vision.

    Raises:
        UserError: the model is no CausalMER.
    """
    c_text, c_audio, c_vision = counterfactual(trained).constants.tolist()
    return c_text, c_audio, c_vision


@dataclass(frozen=True, slots=True, eq=False)
class CachedLogits:
    """The logits of a trained CausalMER on a split, before any choice of constants and weights.

    Attributes:
        multimodal, text, audio, vision: the branches' logits, each `(samples, outputs)` float32.
        labels: the labels, in the form of the task.
        task: the task.
        fusion: the fusion strategy's name.
        fusion_form: its form, see `causalmer_core.method.fusion`.
    """

    multimodal: Array
    text: Array
    audio: Array
    vision: Array
    labels: Array
    task: Task
    fusion: str
    fusion_form: Literal["log_space", "published"] = "log_space"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def fuse(self) -> Fusion:
        """The fusion strategy."""
        return fusion(self.fusion, self.fusion_form)

    @property
    def branches(self) -> BranchLogits:
        """The logits as tensors."""
        arrays = (self.multimodal, self.text, self.audio, self.vision)
        return BranchLogits(*(torch.from_numpy(np.asarray(array, np.float32)) for array in arrays))

    def subset(self, samples: NDArray[np.int64]) -> CachedLogits:
        """The cached logits of some of the samples."""
        return replace(
            self,
            multimodal=self.multimodal[samples],
            text=self.text[samples],
            audio=self.audio[samples],
            vision=self.vision[samples],
            labels=self.labels[samples],
        )


@torch.no_grad()
def collect(trained: TrainedModel, split: Split, *, ablation: Ablation = NO_ABLATION) -> CachedLogits:
    """The logits of a trained CausalMER on a split, in one pass on the CPU in float32.

    Args:
        trained: the model; it stays in evaluation mode.
        split: the samples; they keep their order.
        ablation: the ablation of the samples.

    Raises:
        UserError: the model is no CausalMER.
    """
    model, config = counterfactual(trained).eval(), trained.config
    batches = trained.batches(split, size=BATCH_SIZE)
    parts: list[BranchLogits] = [model(batch).logits for batch in ablation.applied(batches)]
    return CachedLogits(
        multimodal=torch.cat([part.multimodal for part in parts]).numpy(),
        text=torch.cat([part.text for part in parts]).numpy(),
        audio=torch.cat([part.audio for part in parts]).numpy(),
        vision=torch.cat([part.vision for part in parts]).numpy(),
        labels=np.asarray(split.labels),
        task=trained.data.task,
        fusion=config.model.fusion,
        fusion_form=config.model.fusion_form,
    )


def tie(cached: CachedLogits, vector: DebiasingVector) -> Array:
    """`TIE_w (samples, outputs)`: the run's prediction with the vector's constants and weights."""
    found = effects(cached.fuse, cached.branches, torch.tensor(vector.constants))
    return found.tie(vector.weights).numpy()


def effect_arrays(cached: CachedLogits, constants: Triple) -> dict[str, Array]:
    """The effects `te`, `nde_text`, `nde_audio` and `nde_vision`, each `(samples, outputs)`, with these constants."""
    found = effects(cached.fuse, cached.branches, torch.tensor(constants))
    return {name: getattr(found, name).numpy() for name in ("te", "nde_text", "nde_audio", "nde_vision")}


def factual(cached: CachedLogits) -> Array:
    """`z(m, t, a, v) (samples, outputs)`: the fusion without counterfactuals."""
    z = cached.branches
    return cached.fuse(z.multimodal, z.text, z.audio, z.vision).numpy()


def scores(cached: CachedLogits, vectors: Vectors, metric: str) -> NDArray[np.float64]:
    """A metric of the predictions by each of K vectors, `(K,)`, equal to `compute_metrics` of `tie`.

    Raises:
        UserError: the task has no such metric.
        ValueError: `vectors` is not `(K, 6)`.
    """
    return subset_scores(cached, vectors, metric, [np.arange(len(cached))])[:, 0]


def subset_scores(
    cached: CachedLogits, vectors: Vectors, metric: str, subsets: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """A metric of the predictions by each of K vectors on each of S subsets of the samples, `(K, S)`.

    The logits of a vector are computed once for all subsets. Memory is bounded by chunks of `CHUNK_ELEMENTS` logits.

    Raises:
        UserError: the task has no such metric.
        ValueError: `vectors` is not `(K, 6)`.
    """
    rows = np.asarray(vectors, np.float64)
    if rows.ndim != 2 or rows.shape[1] != 6:
        raise ValueError(f"vectors are (K, 6), given {rows.shape}")
    fuse, branches = cached.fuse, cached.branches
    labels = torch.from_numpy(np.array(cached.labels))
    indices = [torch.from_numpy(np.asarray(subset, np.int64)) for subset in subsets]
    found = np.empty((len(rows), len(subsets)))
    size = max(CHUNK_ELEMENTS // max(branches.multimodal.numel(), 1), 1)
    for start in range(0, len(rows), size):
        chunk = torch.tensor(rows[start : start + size], dtype=torch.float32).T[..., None, None]
        logits: Tensor = effects(fuse, branches, chunk[:3]).tie(chunk[3:])
        found[start : start + size] = batched_metric(cached.task, logits, labels, metric, indices).numpy()
    return found


def counterfactual(trained: TrainedModel) -> CausalMER:
    """The model of a trained CausalMER.

    Raises:
        UserError: the model is no CausalMER.
    """
    if not isinstance(trained.model, CausalMER):
        raise UserError(
            f"model.debiasing is {trained.config.model.debiasing!r}; allowed: 'counterfactual', because only "
            "its predictions have effects, constants and weights"
        )
    return trained.model


PREDICTION_KINDS = ("tie", "te", "factual", "backbone", "text", "audio", "vision")
"""The kinds of predictions of a counterfactual model.

The total indirect effect, from which the method predicts; the total effect; the fused logits; each branch alone. The
published inference script has the first only.
"""


def predictions(model: CausalMER, z: BranchLogits) -> dict[str, Tensor]:
    """The logits `(batch, outputs)` of each of `PREDICTION_KINDS`, for the branches' logits."""
    found = model.effects(z)
    logits = (model.tie(z), found.te, found.factual, z.multimodal, z.text, z.audio, z.vision)
    return dict(zip(PREDICTION_KINDS, logits, strict=True))


def evaluate_predictions(
    trained: TrainedModel, split: Split, ablation: Ablation
) -> dict[str, dict[str, float]]:
    """Every metric of the task for each of `PREDICTION_KINDS`, on the CPU.

    Args:
        trained: a counterfactual model; it stays in evaluation mode.
        split: the samples.
        ablation: the ablation of the samples.

    Raises:
        UserError: the model is no CausalMER.
    """
    model = counterfactual(trained)
    cached = collect(trained, split, ablation=ablation)
    labels = np.asarray(split.labels)
    return {
        name: compute_metrics(cached.task, predicted_labels(cached.task, logits.numpy()), labels)
        for name, logits in predictions(model, cached.branches).items()
    }
