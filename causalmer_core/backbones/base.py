"""The contract of a backbone: the multimodal network under test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from causalmer_core.modality import Batch


@dataclass(frozen=True, slots=True)
class BackboneOutput:
    """What a backbone gives for a batch.

    Attributes:
        logits: `(batch, outputs)`.
        features: `(batch, width)`, the representation before the head.
        auxiliary_loss: a scalar that is added to the task loss; 0 where the backbone has no loss of its own.
    """

    logits: Tensor
    features: Tensor
    auxiliary_loss: Tensor


class Backbone(nn.Module, ABC):
    """Abstract: takes all three modalities, any number of steps each, and gives logits."""

    @property
    @abstractmethod
    def feature_width(self) -> int:
        """The width of the features that it gives."""

    @abstractmethod
    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits, features and auxiliary loss of a batch."""
