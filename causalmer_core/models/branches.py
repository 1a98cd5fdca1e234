"""The unimodal branches: from one modality to logits.

Published: ALBERT on text, ResNet-18 on audio and on vision (`causalmer_core.models.published_branches`). The small
variants here are ours, for quick starts on a CPU.
"""

from __future__ import annotations

from typing import final

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from causalmer_core.config.run_config import (
    AlbertBranchConfig,
    ImageBranchConfig,
    ResNet18BranchConfig,
    SmallConvBranchConfig,
    TextBranchConfig,
    TransformerBranchConfig,
)
from causalmer_core.layers.transformer import TransformerEncoder


@final
class TransformerBranch(nn.Module):
    """Linear -> transformer encoder -> mean over time -> Linear."""

    def __init__(self, config: TransformerBranchConfig, *, width: int, num_outputs: int) -> None:
        super().__init__()
        self.projection = nn.Linear(width, config.hidden_dim)
        self.encoder = TransformerEncoder(
            config.hidden_dim,
            config.num_heads,
            config.layers,
            attn_dropout=config.dropout,
            relu_dropout=config.dropout,
            res_dropout=config.dropout,
            embed_dropout=config.dropout,
            attn_mask=False,
        )
        self.head = nn.Linear(config.hidden_dim, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(B, outputs)` of `x (B, T, F)`."""
        logits: Tensor = self.head(self.encoder(self.projection(x)).mean(dim=1))
        return logits


@final
class SmallConvBranch(nn.Module):
    """Two convolutions of width 3 over time, ReLU after each, mean over time, Linear."""

    def __init__(self, config: SmallConvBranchConfig, *, width: int, num_outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, config.hidden_dim, 3, padding=1)
        self.second = nn.Conv1d(config.hidden_dim, config.hidden_dim, 3, padding=1)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden_dim, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(B, outputs)` of `x (B, T, F)`."""
        hidden = F.relu(self.first(x.transpose(1, 2)))
        hidden = F.relu(self.second(self.dropout(hidden)))
        logits: Tensor = self.head(self.dropout(hidden.mean(dim=2)))
        return logits


def build_text_branch(config: TextBranchConfig, *, width: int, length: int, num_outputs: int) -> nn.Module:
    """The text branch that a configuration names."""
    if isinstance(config, AlbertBranchConfig):
        # Imported here: transformers takes seconds to import, and few processes need it.
        from causalmer_core.models.published_branches import AlbertBranch

        return AlbertBranch(config, width=width, length=length, num_outputs=num_outputs)
    return TransformerBranch(config, width=width, num_outputs=num_outputs)


def build_image_branch(config: ImageBranchConfig, *, width: int, num_outputs: int) -> nn.Module:
    """The audio or vision branch that a configuration names."""
    if isinstance(config, ResNet18BranchConfig):
        from causalmer_core.models.published_branches import ResNet18Branch  # transformers, as above

        return ResNet18Branch(num_outputs=num_outputs)
    return SmallConvBranch(config, width=width, num_outputs=num_outputs)
