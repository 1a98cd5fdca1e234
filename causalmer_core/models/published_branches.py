"""The published unimodal branches: ALBERT on text, ResNet-18 on audio and on vision.

Audio and vision are each one image `(time, features)` with one channel.
"""

from __future__ import annotations

from typing import final

from torch import Tensor, nn
from transformers import AlbertConfig, AlbertModel, ResNetConfig, ResNetModel

from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import AlbertBranchConfig
from causalmer_core.models.pretrained import albert_config, load_albert


@final
class AlbertBranch(nn.Module):
    """Linear(features, embedding) -> ALBERT through `inputs_embeds` -> mean over time -> Linear.

    Raises:
        UserError: `path` holds no ALBERT, or the data has more steps than ALBERT has positions.
    """

    def __init__(self, config: AlbertBranchConfig, *, width: int, length: int, num_outputs: int) -> None:
        super().__init__()
        shape = _albert_shape(config)
        if length > shape.max_position_embeddings:
            raise UserError(
                f"model.text_branch: ALBERT has {shape.max_position_embeddings} positions, the data "
                f"{length} text steps; allowed: at most as many steps as positions; raise max_positions"
            )
        path = config.path
        albert = AlbertModel(shape, add_pooling_layer=False) if path is None else load_albert(path, shape)
        # The word embeddings are never read: the features are passed as inputs_embeds.
        for parameter in albert.embeddings.word_embeddings.parameters():
            parameter.requires_grad_(False)
        if config.frozen:
            albert.requires_grad_(False)
        self.frozen = config.frozen
        self.projection = nn.Linear(width, shape.embedding_size)
        self.albert = albert
        self.head = nn.Linear(shape.hidden_size, num_outputs)

    def train(self, mode: bool = True) -> AlbertBranch:
        """A frozen ALBERT stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.albert.train(False)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(B, outputs)` of `x (B, T, F)`."""
        hidden = self.albert(inputs_embeds=self.projection(x)).last_hidden_state
        logits: Tensor = self.head(hidden.mean(dim=1))
        return logits


def _albert_shape(config: AlbertBranchConfig) -> AlbertConfig:
    if config.path is None:
        return AlbertConfig(
            vocab_size=config.vocab_size,
            embedding_size=config.embedding_size,
            hidden_size=config.hidden_size,
            num_hidden_layers=config.num_layers,
            num_attention_heads=config.num_heads,
            intermediate_size=config.intermediate_size,
            max_position_embeddings=config.max_positions,
            hidden_dropout_prob=config.dropout,
            attention_probs_dropout_prob=config.dropout,
        )
    return albert_config(config.path)


@final
class ResNet18Branch(nn.Module):
    """ResNet-18 (He et al., CVPR 2016) on the `(1, time, features)` image, as published."""

    def __init__(self, *, num_outputs: int) -> None:
        super().__init__()
        config = ResNetConfig(
            num_channels=1,
            embedding_size=64,
            hidden_sizes=[64, 128, 256, 512],
            depths=[2, 2, 2, 2],
            layer_type="basic",
        )
        self.resnet = ResNetModel(config)
        self.head = nn.Linear(512, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(B, outputs)` of `x (B, T, F)`."""
        pooled = self.resnet(x[:, None]).pooler_output
        logits: Tensor = self.head(pooled.flatten(1))
        return logits
