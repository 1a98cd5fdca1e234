"""The units of PMR: reinforcement of a sequence, and the update of the message hub.

Source: Lv et al., CVPR 2021; see `causalmer_core.backbones.pmr`. Each unit has its own parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from causalmer_core.basics.modality import Modality
from causalmer_core.config.backbone_config import PMRConfig
from causalmer_core.layers.padding import attention_mask, averaged_to
from causalmer_core.layers.transformer import Attention, xavier_linear


@final
class Gate(nn.Module):
    """`G * own + (1 - G) * message` with `G = sigmoid(W_1 own + W_2 message + b)`, one gate a step and channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.own = xavier_linear(width, width)
        self.message = nn.Linear(width, width, bias=False)

    def forward(self, own: Tensor, message: Tensor) -> Tensor:
        """The mix of two sequences; all are `(batch, steps, width)`."""
        return torch.lerp(message, own, torch.sigmoid(self.own(own) + self.message(message)))


@final
class FeedForward(nn.Module):
    """`x + W_2 relu(W_1 norm(x))`, four times as wide inside, with dropouts."""

    def __init__(self, config: PMRConfig) -> None:
        super().__init__()
        width = config.hidden_dim
        self.norm = nn.LayerNorm(width)
        self.fc1 = xavier_linear(width, 4 * width)
        self.fc2 = xavier_linear(4 * width, width)
        self.relu_dropout = nn.Dropout(config.relu_dropout)
        self.res_dropout = nn.Dropout(config.res_dropout)

    def forward(self, x: Tensor) -> Tensor:
        """From `x (batch, steps, width)` to the same shape."""
        hidden = self.relu_dropout(F.relu(self.fc1(self.norm(x))))
        result: Tensor = x + self.res_dropout(self.fc2(hidden))
        return result


@final
class ReinforcementUnit(nn.Module):
    """A sequence x reinforced by a source s.

    own     = SelfAttention(norm(x))
    message = CrossAttention(queries norm(x), keys and values norm_s(s))
    y       = x + Gate(own, message)
    result  = y + feed-forward(norm(y))
    """

    def __init__(self, config: PMRConfig) -> None:
        super().__init__()
        width = config.hidden_dim
        self.norm = nn.LayerNorm(width)
        self.source_norm = nn.LayerNorm(width)
        self.self_attention = Attention(width, config.num_heads, config.attn_dropout)
        self.cross_attention = Attention(width, config.num_heads, config.attn_dropout)
        self.gate = Gate(width)
        self.feed_forward = FeedForward(config)
        self.res_dropout = nn.Dropout(config.res_dropout)

    def forward(self, x: Tensor, source: Tensor, there: Tensor | None, source_there: Tensor | None) -> Tensor:
        """`(B, T, W)` from `x (B, T, W)` and `source (B, S, W)`; only present steps are attended to."""
        query, key = self.norm(x), self.source_norm(source)
        own = self.self_attention(query, query, query, attention_mask(there, None))
        message = self.cross_attention(query, key, key, attention_mask(source_there, None))
        result: Tensor = self.feed_forward(x + self.res_dropout(self.gate(own, message)))
        return result


@final
class MessageUpdateUnit(nn.Module):
    """Updates the message hub: a unit for each modality m reinforces it, and the results z_m are mixed.

        a_m = u^T tanh(W z_m + b),   z_m flattened over steps and channels
        Z   = sum_m softmax(a)_m z_m
        result = Z + feed-forward(norm(Z))

    Args:
        config: widths and dropouts.
        modalities: the modalities, in order.
        steps: z_m is averaged in time to this number of steps before it is scored; W has `(steps width)^2` weights.
    """

    def __init__(self, config: PMRConfig, modalities: tuple[Modality, ...], steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.units = nn.ModuleDict({m.value: ReinforcementUnit(config) for m in modalities})
        flat = steps * config.hidden_dim
        self.score_hidden = xavier_linear(flat, flat)
        self.score = nn.Linear(flat, 1, bias=False)
        self.feed_forward = FeedForward(config)

    def forward(
        self,
        hub: Tensor,
        sequences: Mapping[Modality, Tensor],
        hub_there: Tensor | None,
        there: Mapping[Modality, Tensor | None],
    ) -> Tensor:
        """The next hub `(B, T, W)` from the hub and each modality's sequence."""
        by_modality = [(Modality(name), unit) for name, unit in self.units.items()]
        reinforced = torch.stack(
            [unit(hub, sequences[m], hub_there, there[m]) for m, unit in by_modality], dim=1
        )
        scores = torch.stack([self._score(z, hub_there) for z in reinforced.unbind(dim=1)], dim=1)
        mixed = (scores.softmax(dim=1)[:, :, None, None] * reinforced).sum(dim=1)
        result: Tensor = self.feed_forward(mixed)
        return result

    def _score(self, z: Tensor, there: Tensor | None) -> Tensor:
        flat = averaged_to(z, there, self.steps).flatten(1)
        score: Tensor = self.score(torch.tanh(self.score_hidden(flat))).squeeze(1)
        return score
