"""Recurrent baselines with LSTMs: early fusion, late fusion, and one modality alone.

The prediction uses the state at the last present step. An LSTM reads forwards, so steps beyond a sample's length have
no influence on it.
"""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from causalmer_core.backbones.base import Backbone, BackboneOutput, InputShape
from causalmer_core.basics.modality import MODALITIES, Batch, Modality
from causalmer_core.config.backbone_config import EarlyFusionLSTMConfig, LateFusionLSTMConfig, UnimodalConfig
from causalmer_core.layers.padding import averaged_to, last_step, present_step_counts


@final
class LSTM(nn.Module):
    """Layers of LSTM; the output is the last layer's state at the last present step."""

    def __init__(self, inputs: int, width: int, layers: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, width, layers, batch_first=True)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """`(batch, width)` from `x (batch, steps, inputs)`."""
        # Most CPUs have no recurrent kernels for bfloat16, and torch raises an error there instead of using float32.
        if x.device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                states, _ = self.lstm(x.float())
        else:
            states, _ = self.lstm(x)
        return last_step(states, mask)


@final
class Head(nn.Module):
    """Dropout and a linear layer on the features."""

    def __init__(self, width: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, outputs)

    def forward(self, features: Tensor) -> BackboneOutput:
        """Logits `(batch, outputs)` of features `(batch, width)`, with no loss of its own."""
        logits: Tensor = self.linear(self.dropout(features))
        return BackboneOutput(logits, features, logits.new_zeros(()))


@final
class EarlyFusionLSTM(Backbone):
    """One LSTM over the modalities' concatenated features.

    A sample has as many steps as its shortest modality. The others are averaged in time to that number
    (`padding.averaged_to`), so that the first and the last steps of all modalities align.
    """

    config_type = EarlyFusionLSTMConfig

    def __init__(self, config: EarlyFusionLSTMConfig, shape: InputShape) -> None:
        super().__init__()
        self.config = config
        self.lstm = LSTM(sum(shape.widths[m] for m in MODALITIES), config.hidden_dim, config.layers)
        self.head = Head(config.hidden_dim, shape.num_outputs, config.out_dropout)

    @property
    def feature_width(self) -> int:
        """hidden_dim: the width of the LSTM's state."""
        return self.config.hidden_dim

    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits `(B, outputs)` and features `(B, hidden_dim)`."""
        output: BackboneOutput = self.head(self.lstm(*side_by_side(batch)))
        return output


def side_by_side(batch: Batch) -> tuple[Tensor, Tensor]:
    """All features of a batch at common steps.

    Returns:
        `(batch, steps, sum of widths)`, with the fewest steps of any modality, and the mask of its present steps,
        `(batch, steps)`: as many as the sample's shortest modality has.
    """
    steps = min(batch[m].shape[1] for m in MODALITIES)
    counts = torch.stack([present_step_counts(batch[m], batch.mask(m)) for m in MODALITIES]).amin(dim=0)
    common = [averaged_to(batch[m], batch.mask(m), steps, counts) for m in MODALITIES]
    return torch.cat(common, dim=2), torch.arange(steps, device=counts.device) < counts[:, None]


@final
class LateFusionLSTM(Backbone):
    """One LSTM for each modality, and a head on their concatenated last states."""

    config_type = LateFusionLSTMConfig

    def __init__(self, config: LateFusionLSTMConfig, shape: InputShape) -> None:
        super().__init__()
        self.config = config
        self.lstms = nn.ModuleDict(
            {m.value: LSTM(shape.widths[m], config.hidden_dim, config.layers) for m in MODALITIES}
        )
        self.head = Head(self.feature_width, shape.num_outputs, config.out_dropout)

    @property
    def feature_width(self) -> int:
        """3 hidden_dim: one state a modality."""
        return len(MODALITIES) * self.config.hidden_dim

    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits `(B, outputs)` and features `(B, 3 hidden_dim)`."""
        states = [self.lstms[m.value](batch[m], batch.mask(m)) for m in MODALITIES]
        output: BackboneOutput = self.head(torch.cat(states, dim=1))
        return output


@final
class Unimodal(Backbone):
    """One modality's LSTM and head; the other two are ignored."""

    config_type = UnimodalConfig

    def __init__(self, config: UnimodalConfig, shape: InputShape) -> None:
        super().__init__()
        self.config = config
        self.modality = Modality(config.modality)
        self.lstm = LSTM(shape.widths[self.modality], config.hidden_dim, config.layers)
        self.head = Head(config.hidden_dim, shape.num_outputs, config.out_dropout)

    @property
    def feature_width(self) -> int:
        """hidden_dim: the width of the LSTM's state."""
        return self.config.hidden_dim

    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits `(B, outputs)` and features `(B, hidden_dim)`."""
        output: BackboneOutput = self.head(self.lstm(batch[self.modality], batch.mask(self.modality)))
        return output
