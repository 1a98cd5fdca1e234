"""Debiasing baselines with the same branches as CausalMER, without counterfactuals.

z_m are the backbone's logits, z_k those of branch k in {t, a, v}, and s is the logistic function:

    late fusion     trains L(z) + sum_k L(z_k), z the fusion of the strategy; predicts by z. It is CausalMER without
                    its effects.
    RUBi            trains L(z_m s(z_t) s(z_a) s(z_v)) + sum_k L(z_k); predicts by z_m.
    learned mixin   trains L(log p_m + sum_k g_k(h) log p_k) + sum_k L(z_k), g_k = softplus(w_k h + b_k) of the
                    backbone's features h; predicts by z_m.

Sources: RUBi is Cadene et al., NeurIPS 2019, eq. 3. The paper has one mask, for the question; here each of three
unimodal branches has one. The learned mixin is Clark et al., EMNLP 2019, section 3.2.4, with three biased models in the
mixture. There the biased model is trained beforehand; here it is trained beside the backbone and detached inside the
mixture, so that the mixture never trains it either. The entropy penalty (variant +H) is left out.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.run_config import LossConfig, ModelConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.method.fusion import fusion
from causalmer_core.method.losses import LossTerms
from causalmer_core.models.emotion_model import BranchedModel, BranchOutput, trainable


@final
class LateFusion(BranchedModel):
    """The factual fusion of the branches, without counterfactuals."""

    def __init__(self, config: ModelConfig, data: TrainingData) -> None:
        super().__init__(config, data)
        self._fuse = fusion(config.fusion, config.fusion_form)

    def loss(self, output: BranchOutput, labels: Tensor, weights: LossConfig) -> LossTerms:
        """`alpha` times the task losses."""
        return _without_kl(self.task_losses(self.predict(output), output, labels), weights)

    def predict(self, output: BranchOutput) -> Tensor:
        """The fusion of all four logits."""
        z = output.logits
        return self._fuse(z.multimodal, z.text, z.audio, z.vision)


@final
class Rubi(BranchedModel):
    """The backbone, trained through masks from the unimodal branches; predicts without them."""

    def loss(self, output: BranchOutput, labels: Tensor, weights: LossConfig) -> LossTerms:
        """`alpha` times the task losses, that of the backbone on its masked logits."""
        z = output.logits
        masked = z.multimodal * z.text.sigmoid() * z.audio.sigmoid() * z.vision.sigmoid()
        return _without_kl(self.task_losses(masked, output, labels), weights)

    def predict(self, output: BranchOutput) -> Tensor:
        """The backbone's logits."""
        return output.logits.multimodal


@final
class LearnedMixin(BranchedModel):
    """The backbone, trained in a mixture with the unimodal branches; predicts without them.

    Raises:
        UserError: the task is a regression, which has no class probabilities to mix.
    """

    def __init__(self, config: ModelConfig, data: TrainingData) -> None:
        super().__init__(config, data)
        if data.task.kind is TaskKind.REGRESSION:
            raise UserError(
                "model.debiasing learned_mixin mixes class probabilities, but the data set is a regression; "
                "allowed: counterfactual, late_fusion, rubi, none"
            )
        self.gate = nn.Linear(self.backbone.feature_width, 3)

    def loss(self, output: BranchOutput, labels: Tensor, weights: LossConfig) -> LossTerms:
        """`alpha` times the task losses, that of the backbone on the mixture."""
        return _without_kl(self.task_losses(self._mixture(output), output, labels), weights)

    def predict(self, output: BranchOutput) -> Tensor:
        """The backbone's logits."""
        return output.logits.multimodal

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """One group for each branch; the gate is in the backbone's group."""
        groups = super().parameter_groups()
        groups["backbone"] += trainable(self.gate)
        return groups

    def _mixture(self, output: BranchOutput) -> Tensor:
        z = output.logits
        gates = F.softplus(self.gate(output.features)).unbind(-1)
        biased = (z.text.detach(), z.audio.detach(), z.vision.detach())
        mixture = self._log_probabilities(z.multimodal)
        for gate, logits in zip(gates, biased, strict=True):
            mixture = mixture + gate[:, None] * self._log_probabilities(logits)
        return mixture

    def _log_probabilities(self, logits: Tensor) -> Tensor:
        pairs = logits.unflatten(-1, (-1, 2)) if self.task.kind is TaskKind.EMOTIONS else logits[:, None]
        logs: Tensor = pairs.log_softmax(-1).flatten(1)
        return logs


def _without_kl(task: Tensor, weights: LossConfig) -> LossTerms:
    return LossTerms(weights.alpha * task, task, torch.zeros_like(task))
