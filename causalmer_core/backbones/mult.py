"""MulT: crossmodal transformers between all pairs of modalities.

Source: Tsai et al., "Multimodal Transformer for Unaligned Multimodal Language Sequences", ACL 2019, section 3, and
its published code. h_text, h_audio, h_vision are the last states of `crossmodal` on the convolved features:

    logits = W_o (h + W_2 relu(W_1 h)),    h = [h_text; h_audio; h_vision]
"""

from __future__ import annotations

from typing import final

import torch

from causalmer_core.backbones.base import BackboneOutput, InputShape
from causalmer_core.backbones.crossmodal import CrossmodalBackbone
from causalmer_core.basics.modality import MODALITIES, Batch
from causalmer_core.config.backbone_config import MulTConfig


@final
class MulT(CrossmodalBackbone):
    """The MulT backbone.

    Steps beyond a sample's length are not attended to; its last state is that of its last present step.

    Args:
        config: widths, depths and dropouts.
        shape: the data it is built for. Its lengths serve only to check that the convolutions fit.

    Raises:
        UserError: a modality has fewer steps than its convolution is wide.
    """

    config_type = MulTConfig
    config: MulTConfig

    def __init__(self, config: MulTConfig, shape: InputShape) -> None:
        super().__init__(config, shape, text_dropout=config.embed_dropout)
        self._add_head("", width=self.feature_width, hidden=self.feature_width, outputs=shape.num_outputs)

    @property
    def feature_width(self) -> int:
        """6 hidden_dim: two crossmodal streams for each of three modalities."""
        return 6 * self.config.hidden_dim

    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits `(B, outputs)` and features `(B, 6 hidden_dim)`, the concatenated last states."""
        sequences, masks = self._projected(batch)
        features = torch.cat([self._last_state(sequences, masks, m) for m in MODALITIES], dim=1)
        logits = self._head("", features).logits
        return BackboneOutput(logits, features, logits.new_zeros(()))
