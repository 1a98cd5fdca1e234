"""The contract between a model and the trainer, and the base of all models with branches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor, nn

from causalmer_core.backbones.base import InputShape
from causalmer_core.backbones.build import build_backbone
from causalmer_core.basics.modality import Batch, Modality
from causalmer_core.config.run_config import LossConfig, ModelConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.method.effects import BranchLogits
from causalmer_core.method.losses import LossTerms, task_loss
from causalmer_core.models.branches import build_image_branch, build_text_branch

Output = TypeVar("Output")


def input_shape(data: TrainingData) -> InputShape:
    """The shape that a backbone for this data set is built for."""
    return InputShape(widths=data.widths, lengths=data.lengths, task=data.task)


class EmotionModel(nn.Module, ABC, Generic[Output]):
    """Abstract: a model as the trainer and the evaluation use it."""

    def __init__(self, data: TrainingData) -> None:
        super().__init__()
        self.task = data.task

    @abstractmethod
    def forward(self, batch: Batch) -> Output:
        """The model's raw output for a batch, in float32 whatever the precision of the layers."""

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
        """The no-treatment constants of text, audio and vision, `(3,)`. None: the model has none."""
        return None


@dataclass(frozen=True, slots=True)
class BranchOutput:
    """The output of a backbone and three unimodal branches for a batch.

    Attributes:
        logits: the logits of all four, each `(batch, outputs)`.
        features: `(batch, width)`, the backbone's representation before its head.
        auxiliary_loss: the backbone's own loss, a scalar.
    """

    logits: BranchLogits
    features: Tensor
    auxiliary_loss: Tensor


class BranchedModel(EmotionModel[BranchOutput]):
    """Abstract: a backbone with three unimodal branches. Subclasses combine their logits."""

    def __init__(self, config: ModelConfig, data: TrainingData) -> None:
        super().__init__(data)
        outputs, widths, lengths = data.task.num_outputs, data.widths, data.lengths
        self.backbone = build_backbone(config.backbone, input_shape(data))
        self.text_branch = build_text_branch(
            config.text_branch,
            width=widths[Modality.TEXT],
            length=lengths[Modality.TEXT],
            num_outputs=outputs,
        )
        self.audio_branch = build_image_branch(
            config.audio_branch, width=widths[Modality.AUDIO], num_outputs=outputs
        )
        self.vision_branch = build_image_branch(
            config.vision_branch, width=widths[Modality.VISION], num_outputs=outputs
        )

    def forward(self, batch: Batch) -> BranchOutput:
        """The branches' logits, and the backbone's features and auxiliary loss."""
        output = self.backbone(batch)
        logits = BranchLogits(
            multimodal=output.logits.float(),
            text=self.text_branch(batch.text).float(),
            audio=self.audio_branch(batch.audio).float(),
            vision=self.vision_branch(batch.vision).float(),
        )
        return BranchOutput(logits, output.features.float(), output.auxiliary_loss.float())

    def task_losses(self, combined: Tensor, output: BranchOutput, labels: Tensor) -> Tensor:
        """`L(combined) + L(z_t) + L(z_a) + L(z_v)`, and the backbone's auxiliary loss."""
        z = output.logits
        losses = [task_loss(self.task, logits, labels) for logits in (combined, z.text, z.audio, z.vision)]
        return output.auxiliary_loss + sum(losses)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """One group for each branch."""
        return {
            "backbone": trainable(self.backbone),
            "text": trainable(self.text_branch),
            "audio": trainable(self.audio_branch),
            "vision": trainable(self.vision_branch),
        }


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """The parameters of a module that are not frozen."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]
