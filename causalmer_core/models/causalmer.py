"""CausalMER: a backbone and three unimodal branches, with prediction by the TIE."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from causalmer_core.config.run_config import LossConfig, ModelConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.method.effects import BranchLogits, Effects, effects
from causalmer_core.method.fusion import fusion
from causalmer_core.method.losses import LossTerms, kl_loss
from causalmer_core.method.method_warnings import constants_can_learn
from causalmer_core.models.emotion_model import BranchedModel, BranchOutput


@final
class CausalMER(BranchedModel):
    """A backbone, three unimodal branches and three learned constants; predicts by the TIE.

    The constants c_t, c_a, c_v are the logits of "no treatment" in the effects. Only the KL term trains them. If its
    gradient is zero except for rounding (see `method_warnings`) they are held, unless `model.constants` is `learned`.
    """

    def __init__(self, config: ModelConfig, data: TrainingData) -> None:
        super().__init__(config, data)
        self._fuse = fusion(config.fusion, config.fusion_form)
        weights = config.debiasing_weights
        self._weights = (weights.text, weights.audio, weights.vision)
        self.no_treatment = nn.Parameter(torch.full((3,), config.initial_constant))
        learned = config.constants == "learned" or constants_can_learn(config, data.task)
        self.no_treatment.requires_grad_(learned)

    @property
    def constants(self) -> Tensor:
        """The no-treatment constants of text, audio and vision, `(3,)`."""
        return self.no_treatment

    def effects(self, logits: BranchLogits) -> Effects:
        """The effects for prediction; the constants are detached."""
        return effects(self._fuse, logits, self.no_treatment.detach())

    def loss(self, output: BranchOutput, labels: Tensor, weights: LossConfig) -> LossTerms:
        """`alpha * (task losses of the fusion and of the branches) + beta * KL`."""
        z = output.logits
        factual = self._fuse(z.multimodal, z.text, z.audio, z.vision)
        task = self.task_losses(factual, output, labels)
        kl = kl_loss(self.task, effects(self._fuse, z.detach(), self.no_treatment), weights.kl_axis)
        return LossTerms(weights.alpha * task + weights.beta * kl, task, kl)

    def tie(self, logits: BranchLogits) -> Tensor:
        """The total indirect effect, with the configured weights on the natural direct effects."""
        return self.effects(logits).tie(self._weights)

    def predict(self, output: BranchOutput) -> Tensor:
        """The total indirect effect."""
        return self.tie(output.logits)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """One group for each branch, and one for the constants if they are learned."""
        groups = super().parameter_groups()
        return {**groups, "constants": [self.no_treatment]} if self.no_treatment.requires_grad else groups
