"""The common part of MulT and DMD: convolutions, crossmodal transformers, residual heads.

Source: Tsai et al., "Multimodal Transformer for Unaligned Multimodal Language Sequences", ACL 2019, section 3, and
its published code, which DMD's code builds on. For each target modality i and each other modality j (eq. 3 to 5)

    Z_{j -> i} = CrossmodalTransformer(queries = X_i, keys and values = X_j)
    h_i        = last step of Transformer_i([Z_{j -> i}; Z_{k -> i}])

Parameter names are the published ones: `l` is text, `a` audio, `v` vision, `trans_l_with_a` is audio -> text.
As published, a modality that is already `hidden_dim` wide is not convolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from causalmer_core.backbones.base import Backbone, InputShape, checked_kernels
from causalmer_core.basics.modality import MODALITIES, Batch, Modality
from causalmer_core.config.backbone_config import DMDConfig, MulTConfig
from causalmer_core.layers.padding import convolved_mask, last_step, without_padding
from causalmer_core.layers.transformer import TransformerEncoder

LETTER = {Modality.TEXT: "l", Modality.AUDIO: "a", Modality.VISION: "v"}
"""The letters of the modalities in published parameter names."""

Masks = Mapping[Modality, Tensor | None]


class ResidualHead(NamedTuple):
    """The values of a head with input x: `relu(W_1 x)`, `x + W_2 relu(W_1 x)`, and the logits of the latter."""

    hidden: Tensor
    residual: Tensor
    logits: Tensor


class CrossmodalBackbone(Backbone):
    """Abstract: sequences of one width, crossmodal transformers between all pairs of them, heads with a residual.

    Args:
        config: widths, depths and dropouts.
        shape: the data it is built for.
        text_dropout: probability, on the text features.

    Raises:
        UserError: a modality has fewer steps than its convolution is wide.
    """

    def __init__(self, config: MulTConfig | DMDConfig, shape: InputShape, *, text_dropout: float) -> None:
        super().__init__()
        self.config = config
        self._text_dropout = text_dropout
        width = config.hidden_dim
        kernels = checked_kernels(config, shape)
        self._kernels = {m: kernel for m, kernel in kernels.items() if shape.widths[m] != width}
        for modality, kernel in self._kernels.items():
            projection = nn.Conv1d(shape.widths[modality], config.hidden_dim, kernel, bias=False)
            self.add_module(f"proj_{LETTER[modality]}", projection)
        for target in MODALITIES:
            for source in _others(target):
                self.add_module(_crossmodal_name(target, source), self._encoder_of(source))
        for target in MODALITIES:
            self.add_module(f"trans_{LETTER[target]}_mem", self._memory())

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

    def _encoder_of(self, source: Modality) -> TransformerEncoder:
        """A transformer that attends to one modality, with the attention dropout of that modality."""
        c = self.config
        dropout = {
            Modality.TEXT: c.attn_dropout,
            Modality.AUDIO: c.attn_dropout_audio,
            Modality.VISION: c.attn_dropout_vision,
        }[source]
        return self._encoder(c.hidden_dim, c.layers, dropout)

    def _memory(self) -> TransformerEncoder:
        c = self.config
        return self._encoder(2 * c.hidden_dim, c.memory_layers or max(c.layers, 3), c.attn_dropout)

    def _add_head(self, suffix: str, *, width: int, hidden: int, outputs: int) -> None:
        self.add_module(f"proj1{suffix}", nn.Linear(width, hidden))
        self.add_module(f"proj2{suffix}", nn.Linear(hidden, width))
        self.add_module(f"out_layer{suffix}", nn.Linear(width, outputs))

    def _head(self, suffix: str, x: Tensor) -> ResidualHead:
        hidden = F.relu(self.get_submodule(f"proj1{suffix}")(x))
        dropped = F.dropout(hidden, self.config.out_dropout, self.training)
        residual = x + self.get_submodule(f"proj2{suffix}")(dropped)
        return ResidualHead(hidden, residual, self.get_submodule(f"out_layer{suffix}")(residual))

    def _projected(self, batch: Batch) -> tuple[dict[Modality, Tensor], dict[Modality, Tensor | None]]:
        """The sequences `(B, T, hidden_dim)` and their masks; padded steps are 0 before and after the convolution."""
        sequences, masks = {}, {}
        for modality in MODALITIES:
            x = without_padding(batch[modality], batch.mask(modality))
            if modality is Modality.TEXT:
                x = F.dropout(x, self._text_dropout, self.training)
            if modality in self._kernels:
                x = self.get_submodule(f"proj_{LETTER[modality]}")(x.transpose(1, 2)).transpose(1, 2)
            masks[modality] = convolved_mask(batch.mask(modality), self._kernels.get(modality, 1))
            sequences[modality] = without_padding(x, masks[modality])
        return sequences, masks

    def _last_state(self, sequences: Mapping[Modality, Tensor], masks: Masks, target: Modality) -> Tensor:
        """h_i `(B, 2 hidden_dim)` of the target modality; only present steps are attended to."""
        attended = [
            self.get_submodule(_crossmodal_name(target, source))(
                sequences[target], sequences[source], attended=masks[source]
            )
            for source in _others(target)
        ]
        memory = self.get_submodule(f"trans_{LETTER[target]}_mem")
        return last_step(memory(torch.cat(attended, dim=2), attended=masks[target]), masks[target])


def _others(target: Modality) -> list[Modality]:
    return [m for m in MODALITIES if m is not target]


def _crossmodal_name(target: Modality, source: Modality) -> str:
    return f"trans_{LETTER[target]}_with_{LETTER[source]}"
