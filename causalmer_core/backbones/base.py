"""The contract of a backbone: the multimodal network under test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Batch, Modality
from causalmer_core.basics.task import Task
from causalmer_core.config.backbone_config import BackboneConfig, DMDConfig, MulTConfig, PMRConfig


@dataclass(frozen=True, slots=True)
class BackboneOutput:
    """The output of a backbone for a batch.

    Attributes:
        logits: `(batch, outputs)`.
        features: `(batch, width)`, the representation before the head.
        auxiliary_loss: a scalar that is added to the task loss; 0 if the backbone has no loss of its own.
    """

    logits: Tensor
    features: Tensor
    auxiliary_loss: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class InputShape:
    """The data that a backbone is built for.

    Attributes:
        widths: features a step of each modality.
        lengths: steps of each modality; the same in every sample, padding included.
        task: the task; a backbone with a loss of its own compares `batch.labels` in this form.
    """

    widths: Mapping[Modality, int]
    lengths: Mapping[Modality, int]
    task: Task

    @property
    def num_outputs(self) -> int:
        """Logits a sample."""
        return self.task.num_outputs


class Backbone(nn.Module, ABC):
    """Abstract: a network from all three modalities, with any number of steps each, to logits.

    A subclass

    - is built as `cls(config, shape)`, with a `config_type` and an `InputShape`;
    - draws its weights from torch's default generator;
    - documents its use of padding masks (`batch.mask(modality)`);
    - gives a sample the same logits and features in evaluation mode, whatever other samples are in its batch;
    - names no device.

    `tests/causalmer_core/backbones/test_contract.py` checks every backbone.
    """

    config_type: ClassVar[type[BackboneConfig]]
    """The class of the backbone's configuration."""

    @property
    @abstractmethod
    def feature_width(self) -> int:
        """The width of the features in its output."""

    @abstractmethod
    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits, features and auxiliary loss of a batch."""


def checked_kernels(config: MulTConfig | DMDConfig | PMRConfig, shape: InputShape) -> dict[Modality, int]:
    """The widths of the convolutions in front, by modality.

    Raises:
        UserError: a modality has fewer steps than its convolution is wide.
    """
    kernels = {
        Modality.TEXT: config.kernel_text,
        Modality.AUDIO: config.kernel_audio,
        Modality.VISION: config.kernel_vision,
    }
    for modality, kernel in kernels.items():
        if shape.lengths[modality] < kernel:
            raise UserError(
                f"model.backbone.kernel_{modality} is {kernel}, but the data has {shape.lengths[modality]} {modality} "
                f"steps; allowed: 1 to {shape.lengths[modality]}"
            )
    return kernels
