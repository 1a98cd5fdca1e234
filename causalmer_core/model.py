"""The models that are trained: CausalMER around a backbone, and the backbone alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar, final

import torch
from torch import Tensor, nn

from causalmer_core.backbones import build_backbone
from causalmer_core.branches import build_image_branch, build_text_branch
from causalmer_core.config import LossConfig, ModelConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.effects import BranchLogits, Effects, effects
from causalmer_core.fusion import fusion
from causalmer_core.losses import LossTerms, kl_loss, task_loss
from causalmer_core.modality import Batch, Modality
from causalmer_core.task import Task

Output = TypeVar("Output")


class EmotionModel(nn.Module, ABC, Generic[Output]):
    """Abstract: what the trainer and the evaluation need of a model."""

    @abstractmethod
    def forward(self, batch: Batch) -> Output:
        """The model's raw output for a batch."""

    @abstractmethod
    def loss(self, output: Output, labels: Tensor, weights: LossConfig) -> LossTerms:
        """The training loss of an output."""

    @abstractmethod
    def predict(self, output: Output) -> Tensor:
        """The logits `(batch, outputs)` by which the model predicts."""

    @abstractmethod
    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The trainable parameters by the name of their learning rate."""

    @property
    def constants(self) -> Tensor | None:
        """The no-treatment constants of text, audio and vision, where the model has them."""
        return None


@final
class CausalMER(EmotionModel[tuple[BranchLogits, Tensor]]):
    """A backbone, three unimodal branches and three learned constants; predicts by the TIE.

    The constants c_t, c_a, c_v stand for "no treatment" in the effects. They get gradient from the KL term only.
    """

    def __init__(self, config: ModelConfig, data: TrainingData) -> None:
        super().__init__()
        self.task = data.task
        self._fuse = fusion(config.fusion)
        weights = config.debiasing_weights
        self._weights = (weights.text, weights.audio, weights.vision)
        outputs = data.task.num_outputs
        widths = data.widths
        self.backbone = build_backbone(
            config.backbone, widths=widths, lengths=data.lengths, num_outputs=outputs
        )
        self.text_branch = build_text_branch(
            config.text_branch,
            width=widths[Modality.TEXT],
            length=data.lengths[Modality.TEXT],
            num_outputs=outputs,
        )
        self.audio_branch = build_image_branch(
            config.audio_branch, width=widths[Modality.AUDIO], num_outputs=outputs
        )
        self.vision_branch = build_image_branch(
            config.vision_branch, width=widths[Modality.VISION], num_outputs=outputs
        )
        self.no_treatment = nn.Parameter(torch.full((3,), config.initial_constant))

    @property
    def constants(self) -> Tensor:
        """The no-treatment constants of text, audio and vision, `(3,)`."""
        return self.no_treatment

    def forward(self, batch: Batch) -> tuple[BranchLogits, Tensor]:
        """The branches' logits, and the backbone's auxiliary loss."""
        output = self.backbone(batch)
        logits = BranchLogits(
            multimodal=output.logits,
            text=self.text_branch(batch.text),
            audio=self.audio_branch(batch.audio),
            vision=self.vision_branch(batch.vision),
        )
        return logits, output.auxiliary_loss

    def effects(self, logits: BranchLogits) -> Effects:
        """The effects for prediction; the constants are detached."""
        return effects(self._fuse, logits, self.no_treatment.detach())

    def loss(self, output: tuple[BranchLogits, Tensor], labels: Tensor, weights: LossConfig) -> LossTerms:
        """`alpha * (task losses of the fusion and of the branches + auxiliary) + beta * KL`."""
        logits, auxiliary = output
        factual = self._fuse(logits.multimodal, logits.text, logits.audio, logits.vision)
        task = auxiliary + sum(
            task_loss(self.task, z, labels) for z in (factual, logits.text, logits.audio, logits.vision)
        )
        kl = kl_loss(self.task, effects(self._fuse, logits.detach(), self.no_treatment), weights.kl_axis)
        return LossTerms(weights.alpha * task + weights.beta * kl, task, kl)

    def predict(self, output: tuple[BranchLogits, Tensor]) -> Tensor:
        """The total indirect effect, with the configured weights on the natural direct effects."""
        return self.effects(output[0]).tie(self._weights)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """One group a branch, and the constants."""
        return {
            "backbone": _trainable(self.backbone),
            "text": _trainable(self.text_branch),
            "audio": _trainable(self.audio_branch),
            "vision": _trainable(self.vision_branch),
            "constants": [self.no_treatment],
        }


@final
class BackboneAlone(EmotionModel[tuple[Tensor, Tensor]]):
    """The undebiased contender: the backbone, trained on its own task loss."""

    def __init__(self, config: ModelConfig, data: TrainingData) -> None:
        super().__init__()
        self.task: Task = data.task
        self.backbone = build_backbone(
            config.backbone, widths=data.widths, lengths=data.lengths, num_outputs=data.task.num_outputs
        )

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The backbone's logits and auxiliary loss."""
        output = self.backbone(batch)
        return output.logits, output.auxiliary_loss

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
        return {"backbone": _trainable(self.backbone)}


AnyModel = CausalMER | BackboneAlone


def build_model(config: ModelConfig, data: TrainingData) -> AnyModel:
    """The model that a configuration names, with fresh weights from torch's default generator."""
    return BackboneAlone(config, data) if config.debiasing == "none" else CausalMER(config, data)


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
