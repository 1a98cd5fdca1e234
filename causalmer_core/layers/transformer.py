"""The transformer encoder of MulT, for self-attention and for crossmodal attention.

Source: Tsai et al., "Multimodal Transformer for Unaligned Multimodal Language Sequences", ACL 2019, section 3.2,
and its published code, whose parameter names are kept (`layers.<i>.self_attn.in_proj_weight`, ...). Tensors are
`(batch, time, width)` here and `(time, batch, width)` there.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from causalmer_core.layers.padding import attention_mask


def sinusoidal_positions(x: Tensor) -> Tensor:
    """Position embeddings for a sequence, `(batch, time, width)`.

    Step p = 1, 2, ... gets `[sin(p w_i)..., cos(p w_i)...]` with `w_i = 10000^(-i / (width / 2 - 1))`, and the zero
    vector where the step's first channel is exactly 0, which the published code takes as padding. An odd width gets
    a last channel of zeros.
    """
    length, width = x.shape[1], x.shape[2]
    half = width // 2
    rates = torch.exp(
        torch.arange(half, device=x.device, dtype=torch.float32) * (-math.log(10000.0) / (half - 1))
    )
    angles = torch.arange(1, length + 1, device=x.device, dtype=torch.float32)[:, None] * rates
    table = torch.cat([angles.sin(), angles.cos(), angles.new_zeros(length, width - 2 * half)], dim=1)
    return table.to(x.dtype) * (x[:, :, :1] != 0)


def future_mask(queries: int, keys: int, device: torch.device) -> Tensor:
    """Boolean `(queries, keys)`: query i may attend to key j when `j <= i + |keys - queries|`."""
    allowed = torch.ones(queries, keys, dtype=torch.bool, device=device)
    return allowed.tril(abs(keys - queries))


class Attention(nn.Module):
    """Multi-head scaled dot-product attention with one packed input projection, as in the published code.

    `softmax(Q K^T / sqrt(width / heads)) V`, projected in and out; dropout acts on the attention weights.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.xavier_uniform_(self.out_proj.weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Attend from `query (B, T, W)` to `key, value (B, S, W)`.

        `mask (T, S)`, or `(B, 1, T or 1, S)`, is true where allowed.
        """
        weights = self.in_proj_weight.chunk(3)
        biases = self.in_proj_bias.chunk(3)
        q, k, v = (
            F.linear(x, w, b).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for x, w, b in zip((query, key, value), weights, biases, strict=True)
        )
        dropout = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        projected: Tensor = self.out_proj(attended.transpose(1, 2).flatten(2))
        return projected


def xavier_linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer with Xavier's uniform weights and biases of zero, as in the published code."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class EncoderLayer(nn.Module):
    """One pre-norm block: attention, then a feed-forward network four times as wide, each with a residual.

    Keys and values of another modality pass the same layer norm as the queries, as published.
    """

    def __init__(
        self, width: int, heads: int, *, attn_dropout: float, relu_dropout: float, res_dropout: float
    ) -> None:
        super().__init__()
        self.self_attn = Attention(width, heads, attn_dropout)
        self.fc1 = xavier_linear(width, 4 * width)
        self.fc2 = xavier_linear(4 * width, width)
        self.layer_norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.relu_dropout = nn.Dropout(relu_dropout)
        self.res_dropout = nn.Dropout(res_dropout)

    def forward(self, x: Tensor, keys: Tensor | None, values: Tensor | None, mask: Tensor | None) -> Tensor:
        """`x (B, T, W)` attends to itself, or to `keys, values (B, S, W)`."""
        before, after = self.layer_norms
        query = before(x)
        if keys is None or values is None:
            attended = self.self_attn(query, query, query, mask)
        else:
            attended = self.self_attn(query, before(keys), before(values), mask)
        x = x + self.res_dropout(attended)
        hidden = self.relu_dropout(F.relu(self.fc1(after(x))))
        result: Tensor = x + self.res_dropout(self.fc2(hidden))
        return result


class TransformerEncoder(nn.Module):
    """A stack of blocks over `sqrt(width) * x + positions`, with a last layer norm.

    With `source`, every block attends from `x` to the source sequence (crossmodal attention, section 3.1 of the
    paper). Keys and values each get a draw of the embedding dropout, as published.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        layers: int,
        *,
        attn_dropout: float,
        relu_dropout: float,
        res_dropout: float,
        embed_dropout: float,
        attn_mask: bool,
    ) -> None:
        super().__init__()
        self.embed_dropout = nn.Dropout(embed_dropout)
        self.attn_mask = attn_mask
        self.layers = nn.ModuleList(
            EncoderLayer(
                width, heads, attn_dropout=attn_dropout, relu_dropout=relu_dropout, res_dropout=res_dropout
            )
            for _ in range(layers)
        )
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, source: Tensor | None = None, *, attended: Tensor | None = None) -> Tensor:
        """`(B, T, W)` from `x (B, T, W)` and, for crossmodal attention, `source (B, S, W)`.

        `attended (B, S)` is true at the present steps of the source, or of `x` without a source. Only these are
        attended to.
        """
        hidden = self.embed_dropout(embedded(x))
        keys = values = None
        if source is not None:
            scaled = embedded(source)
            keys, values = self.embed_dropout(scaled), self.embed_dropout(scaled)
        steps = x.shape[1] if source is None else source.shape[1]
        past = future_mask(x.shape[1], steps, x.device) if self.attn_mask else None
        mask = attention_mask(attended, past)
        for layer in self.layers:
            hidden = layer(hidden, keys, values, mask)
        result: Tensor = self.layer_norm(hidden)
        return result


def embedded(x: Tensor) -> Tensor:
    """`sqrt(width) * x + positions`, `(batch, time, width)`."""
    return math.sqrt(x.shape[2]) * x + sinusoidal_positions(x)
