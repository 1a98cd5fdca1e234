"""Builds the model that a configuration names."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from causalmer_core.backbones.build import build_backbone
from causalmer_core.basics.modality import Batch
from causalmer_core.config.run_config import LossConfig, ModelConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.method.losses import LossTerms, task_loss
from causalmer_core.models.causalmer import CausalMER
from causalmer_core.models.debiasing_baselines import LateFusion, LearnedMixin, Rubi
from causalmer_core.models.emotion_model import EmotionModel, input_shape, trainable


@final
class BackboneAlone(EmotionModel[tuple[Tensor, Tensor]]):
    """The undebiased contender: the backbone, trained on its own task loss."""

    def __init__(self, config: ModelConfig, data: TrainingData) -> None:
        super().__init__(data)
        self.backbone = build_backbone(config.backbone, input_shape(data))

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The backbone's logits and auxiliary loss."""
        output = self.backbone(batch)
        return output.logits.float(), output.auxiliary_loss.float()

    def loss(self, output: tuple[Tensor, Tensor], labels: Tensor, weights: LossConfig) -> LossTerms:
        """The task loss and the auxiliary loss, unweighted: alpha and beta belong to debiasing."""
        del weights
        logits, auxiliary = output
        task = task_loss(self.task, logits, labels) + auxiliary
        return LossTerms(task, task, torch.zeros_like(task))

    def predict(self, output: tuple[Tensor, Tensor]) -> Tensor:
        """The backbone's logits."""
        return output[0]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The backbone's parameters."""
        return {"backbone": trainable(self.backbone)}


AnyModel = CausalMER | LateFusion | Rubi | LearnedMixin | BackboneAlone
MODELS: dict[str, type[AnyModel]] = {
    "counterfactual": CausalMER,
    "late_fusion": LateFusion,
    "rubi": Rubi,
    "learned_mixin": LearnedMixin,
    "none": BackboneAlone,
}
"""Models by `model.debiasing`."""


def build_model(config: ModelConfig, data: TrainingData) -> AnyModel:
    """The model that a configuration names, with fresh weights from torch's default generator."""
    return MODELS[config.debiasing](config, data)
