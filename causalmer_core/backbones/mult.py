"""MulT: crossmodal transformers between all pairs of modalities.

Source: Tsai et al., "Multimodal Transformer for Unaligned Multimodal Language Sequences", ACL 2019, section 3, and
its published code. For each target modality i and each other modality j (eq. 3 to 5 of the paper)

    Z_{j -> i} = CrossmodalTransformer(queries = conv(X_i), keys and values = conv(X_j))
    h_i        = last step of Transformer_i([Z_{j -> i}; Z_{k -> i}])
    logits     = W_o (h + W_2 relu(W_1 h)),    h = [h_text; h_audio; h_vision]

Parameter names are the published ones: `l` is text, `a` audio, `v` vision, `trans_l_with_a` is audio -> text.
As published, a modality that is already `hidden_dim` wide is not convolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from causalmer_core.backbone_config import MulTConfig
from causalmer_core.backbones.base import Backbone, BackboneOutput, InputShape, checked_kernels
from causalmer_core.layers import TransformerEncoder
from causalmer_core.modality import MODALITIES, Batch, Modality
from causalmer_core.padding import convolved_mask, last_step

_LETTER = {Modality.TEXT: "l", Modality.AUDIO: "a", Modality.VISION: "v"}


@final
class MulT(Backbone):
    """The MulT backbone. Steps beyond a sample's length are not attended to, and its last step is the last before them.

    Args:
        config: widths, depths and dropouts.
        shape: what it is built for; the lengths are used only to check that the convolutions fit.

    Raises:
        UserError: a modality has fewer steps than its convolution is wide.
    """

    config_type = MulTConfig

    def __init__(self, config: MulTConfig, shape: InputShape) -> None:
        super().__init__()
        self.config = config
        self._kernels = _kernels(config, shape)
        width = config.hidden_dim
        for modality, kernel in self._kernels.items():
            projection = nn.Conv1d(shape.widths[modality], width, kernel, bias=False)
            self.add_module(f"proj_{_LETTER[modality]}", projection)
        for target in MODALITIES:
            for source in MODALITIES:
                if source is not target:
                    self.add_module(_crossmodal_name(target, source), self._crossmodal(source))
        for target in MODALITIES:
            self.add_module(f"trans_{_LETTER[target]}_mem", self._memory())
        self.proj1 = nn.Linear(6 * width, 6 * width)
        self.proj2 = nn.Linear(6 * width, 6 * width)
        self.out_layer = nn.Linear(6 * width, shape.num_outputs)

    @property
    def feature_width(self) -> int:
        """6 hidden_dim: two crossmodal streams for each of three modalities."""
        return 6 * self.config.hidden_dim

    def _encoder(self, width: int, layers: int, attn_dropout: float) -> TransformerEncoder:
        c = self.config
        return TransformerEncoder(
            width,
            c.num_heads,
            layers,
            attn_dropout=attn_dropout,
            relu_dropout=c.relu_dropout,
            res_dropout=c.res_dropout,
            embed_dropout=c.embed_dropout,
            attn_mask=c.attn_mask,
        )

    def _crossmodal(self, source: Modality) -> TransformerEncoder:
        dropout = {
            Modality.TEXT: self.config.attn_dropout,
            Modality.AUDIO: self.config.attn_dropout_audio,
            Modality.VISION: self.config.attn_dropout_vision,
        }[source]
        return self._encoder(self.config.hidden_dim, self.config.layers, dropout)

    def _memory(self) -> TransformerEncoder:
        depth = self.config.memory_layers or max(self.config.layers, 3)
        return self._encoder(2 * self.config.hidden_dim, depth, self.config.attn_dropout)

    def _projected(self, batch: Batch, modality: Modality) -> Tensor:
        x = batch[modality]
        if modality is Modality.TEXT:
            x = F.dropout(x, self.config.embed_dropout, self.training)
        if modality in self._kernels:
            x = self.get_submodule(f"proj_{_LETTER[modality]}")(x.transpose(1, 2)).transpose(1, 2)
        return x

    def _last_state(
        self, projected: Mapping[Modality, Tensor], masks: Mapping[Modality, Tensor | None], target: Modality
    ) -> Tensor:
        attended = [
            self.get_submodule(_crossmodal_name(target, source))(
                projected[target], projected[source], attended=masks[source]
            )
            for source in MODALITIES
            if source is not target
        ]
        memory = self.get_submodule(f"trans_{_LETTER[target]}_mem")
        return last_step(memory(torch.cat(attended, dim=2), attended=masks[target]), masks[target])

    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits `(B, outputs)` and features `(B, 6 hidden_dim)`, the concatenated last states."""
        projected = {m: self._projected(batch, m) for m in MODALITIES}
        masks = {m: convolved_mask(batch.mask(m), self._kernels.get(m, 1)) for m in MODALITIES}
        features = torch.cat([self._last_state(projected, masks, m) for m in MODALITIES], dim=1)
        hidden = F.dropout(F.relu(self.proj1(features)), self.config.out_dropout, self.training)
        logits = self.out_layer(features + self.proj2(hidden))
        return BackboneOutput(logits, features, logits.new_zeros(()))


def _kernels(config: MulTConfig, shape: InputShape) -> dict[Modality, int]:
    """The width of the convolution of each modality that has one."""
    kernels = {
        Modality.TEXT: config.kernel_text,
        Modality.AUDIO: config.kernel_audio,
        Modality.VISION: config.kernel_vision,
    }
    checked_kernels(shape, kernels)
    return {m: kernel for m, kernel in kernels.items() if shape.widths[m] != config.hidden_dim}


def _crossmodal_name(target: Modality, source: Modality) -> str:
    return f"trans_{_LETTER[target]}_with_{_LETTER[source]}"
