"""PMR: a message hub and the modalities reinforce each other, layer by layer.

Source: Lv et al., "Progressive Modality Reinforcement for Human Multimodal Emotion Recognition from Unaligned
Multimodal Sequences", CVPR 2021. Its authors published no code. With text L, vision V, audio A, and Z_C the hub:

    Z_m = conv(X_m) with positions,   Z_C = [Z_L; Z_V; Z_A] along time
    in each layer:  Z_m = Reinforcement_m(Z_m from Z_C)                        for every modality m
                    Z_C = MessageUpdate(Z_C from Z_L, Z_V, Z_A)
    h      = last step of Transformer([Z_C; Z_L; Z_V; Z_A])
    logits = W_o (h + W_2 relu(W_1 h))

The paper gives the hub and its order, the two units of a layer, the gate, the softmax over scores `u^T tanh(W z + b)`
of the flattened hub, the transformer over hub and modalities, its last step, and the residual MLP.

Our choices, where the paper is silent or needs too much memory:

- Blocks are pre-norm with residuals, positions sinusoidal and the embedding scaled, as in
  `causalmer_core.layers.transformer`.
- The hub is updated from the modalities after their own reinforcement in the same layer.
- Keys and values of the other sequence pass a layer norm of their own.
- Every unit of every layer has its own parameters; one W, b, u scores the three modalities of a unit.
- A hub of more than `score_steps` steps is averaged in time to that number before it is scored. W is quadratic in steps
  times width: at 50/500/500 steps of 40 channels it would have 1.7e9 weights a layer.
- No step is masked from earlier ones: the hub's steps have no common order in time.
- Positions are added once, in front, and count within each modality. They reach the last transformer by the residuals.
- The last step is the last present one, which is one of the audio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from causalmer_core.backbones.base import Backbone, BackboneOutput, InputShape, checked_kernels
from causalmer_core.backbones.pmr_units import MessageUpdateUnit, ReinforcementUnit
from causalmer_core.basics.modality import Batch, Modality
from causalmer_core.config.backbone_config import PMRConfig
from causalmer_core.layers.padding import attention_mask, convolved_mask, last_step, without_padding
from causalmer_core.layers.transformer import EncoderLayer, embedded

ORDER = (Modality.TEXT, Modality.VISION, Modality.AUDIO)
"""The modalities' order in the hub, as in the paper."""

Sequences = Mapping[Modality, Tensor]
Masks = Mapping[Modality, Tensor | None]


@final
class PMR(Backbone):
    """The PMR backbone. Steps beyond a sample's length are neither attended to nor averaged over.

    Args:
        config: widths, depths and dropouts.
        shape: the data it is built for. Its lengths serve to check that the convolutions fit, and for a hub shorter
            than `score_steps`.

    Raises:
        UserError: a modality has fewer steps than its convolution is wide.
    """

    config_type = PMRConfig

    def __init__(self, config: PMRConfig, shape: InputShape) -> None:
        super().__init__()
        self.config = config
        self._kernels = checked_kernels(config, shape)
        width = config.hidden_dim
        self.projections = nn.ModuleDict(
            {m.value: nn.Conv1d(shape.widths[m], width, self._kernels[m], bias=False) for m in ORDER}
        )
        self.embed_dropout = nn.Dropout(config.embed_dropout)
        hub_steps = sum(shape.lengths[m] - self._kernels[m] + 1 for m in ORDER)
        score_steps = min(config.score_steps, hub_steps)
        self.layers = nn.ModuleList(PMRLayer(config, score_steps) for _ in range(config.layers))
        self.head_layers = nn.ModuleList(_encoder_layer(config) for _ in range(config.head_layers))
        self.head_norm = nn.LayerNorm(width)
        self.proj1 = nn.Linear(width, width)
        self.proj2 = nn.Linear(width, width)
        self.out_layer = nn.Linear(width, shape.num_outputs)

    @property
    def feature_width(self) -> int:
        """hidden_dim: the width of the last transformer's last step."""
        return self.config.hidden_dim

    def _embedded(self, batch: Batch, modality: Modality) -> Tensor:
        x = without_padding(batch[modality], batch.mask(modality))
        convolved = self.projections[modality.value](x.transpose(1, 2)).transpose(1, 2)
        found: Tensor = self.embed_dropout(embedded(convolved))
        return found

    def _last_state(self, x: Tensor, there: Tensor | None) -> Tensor:
        mask = attention_mask(there, None)
        for layer in self.head_layers:
            x = layer(x, None, None, mask)
        return last_step(self.head_norm(x), there)

    def forward(self, batch: Batch) -> BackboneOutput:
        """Logits `(B, outputs)` and features `(B, hidden_dim)`."""
        sequences: Sequences = {m: self._embedded(batch, m) for m in ORDER}
        there: Masks = {m: convolved_mask(batch.mask(m), self._kernels[m]) for m in ORDER}
        hub = torch.cat(list(sequences.values()), dim=1)
        hub_there = joined_masks([(sequences[m], there[m]) for m in ORDER])
        for layer in self.layers:
            hub, sequences = layer(hub, sequences, hub_there, there)
        whole = torch.cat([hub, *sequences.values()], dim=1)
        features = self._last_state(
            whole, None if hub_there is None else torch.cat([hub_there, hub_there], dim=1)
        )
        hidden = F.dropout(F.relu(self.proj1(features)), self.config.out_dropout, self.training)
        logits = self.out_layer(features + self.proj2(hidden))
        return BackboneOutput(logits, features, logits.new_zeros(()))


@final
class PMRLayer(nn.Module):
    """One layer: the hub reinforces the modalities, then the modalities update the hub."""

    def __init__(self, config: PMRConfig, score_steps: int) -> None:
        super().__init__()
        self.units = nn.ModuleDict({m.value: ReinforcementUnit(config) for m in ORDER})
        self.update = MessageUpdateUnit(config, ORDER, score_steps)

    def forward(
        self, hub: Tensor, sequences: Sequences, hub_there: Tensor | None, there: Masks
    ) -> tuple[Tensor, Sequences]:
        """The next hub and the next sequences."""
        reinforced = {m: self.units[m.value](sequences[m], hub, there[m], hub_there) for m in ORDER}
        return self.update(hub, reinforced, hub_there, there), reinforced


def joined_masks(parts: Sequence[tuple[Tensor, Tensor | None]]) -> Tensor | None:
    """The mask of concatenated sequences, `(batch, steps)`, or None if no part has one."""
    if all(mask is None for _, mask in parts):
        return None
    return torch.cat(
        [torch.ones_like(x[:, :, 0], dtype=torch.bool) if mask is None else mask for x, mask in parts], dim=1
    )


def _encoder_layer(config: PMRConfig) -> EncoderLayer:
    return EncoderLayer(
        config.hidden_dim,
        config.num_heads,
        attn_dropout=config.attn_dropout,
        relu_dropout=config.relu_dropout,
        res_dropout=config.res_dropout,
    )
