"""Stand-ins for the published model, written anew from its paper and its parameter names.

Classes carry the published modules' names, so that `torch.save(model)` writes what a published checkpoint holds: names
in `src.causal_mer_model`, `modules.transformer`, `torchvision.models.resnet` and transformers' ALBERT. Attention is
torch's own, whose parameters have the published names.
"""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torchvision_standin import BasicBlock, ResNet
from transformers import AlbertConfig, AlbertModel

WIDTHS = {"l": 6, "a": 5, "v": 8}
HIDDEN, HEADS, LAYERS = 8, 2, 2
KERNELS = {"l": 1, "a": 3, "v": 1}


class SinusoidalPositionalEmbedding(nn.Module):
    """Keeps its tables in a plain dict and a marker in a buffer, as MulT's code does."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.weights: dict[int, Tensor] = {}
        self.register_buffer("_float_tensor", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Positions of `x (T, B, W)`; none where the first channel is 0."""
        half = self.width // 2
        rates = torch.exp(torch.arange(half) * -(math.log(10000.0) / (half - 1)))
        angles = torch.arange(1, len(x) + 1).float()[:, None] * rates
        self.weights[-1] = torch.cat([angles.sin(), angles.cos()], dim=1)
        return self.weights[-1][:, None] * (x[..., :1] != 0)


class TransformerEncoderLayer(nn.Module):
    """Pre-norm attention and feed-forward block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, HEADS)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.layer_norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])

    def forward(self, x: Tensor, other: Tensor | None) -> Tensor:
        """`x (T, B, W)` attends to `other (S, B, W)`, or to itself."""
        query = self.layer_norms[0](x)
        keys = query if other is None else self.layer_norms[0](other)
        ahead = 1 + abs(len(keys) - len(query))
        mask = torch.full((len(query), len(keys)), -math.inf).triu(ahead)
        x = x + self.self_attn(query, keys, keys, attn_mask=mask, need_weights=False)[0]
        return x + self.fc2(self.fc1(self.layer_norms[1](x)).relu())


class TransformerEncoder(nn.Module):
    """A stack of layers over scaled inputs with positions."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.embed_scale = math.sqrt(width)
        self.attn_mask = True
        self.embed_positions = SinusoidalPositionalEmbedding(width)
        self.layers = nn.ModuleList([TransformerEncoderLayer(width) for _ in range(layers)])
        self.register_buffer("version", torch.tensor([2.0]))
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        """`(T, B, W)`."""
        hidden = self.embed_scale * x + self.embed_positions(x)
        if other is not None:
            other = self.embed_scale * other + self.embed_positions(other)
        for layer in self.layers:
            hidden = layer(hidden, other)
        return self.layer_norm(hidden)


class MULTModel(nn.Module):
    """MulT with a projection for every modality, even for one that is as wide as the model and does not use it."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.num_heads = 99  # the published code takes an argument of this name and ignores it
        for letter, width in WIDTHS.items():
            self.add_module(f"proj_{letter}", nn.Conv1d(width, HIDDEN, KERNELS[letter], bias=False))
        for target in "lav":
            for source in "lav".replace(target, ""):
                self.add_module(f"trans_{target}_with_{source}", TransformerEncoder(HIDDEN, LAYERS))
        for target in "lav":
            self.add_module(f"trans_{target}_mem", TransformerEncoder(2 * HIDDEN, 3))
        self.proj1 = nn.Linear(6 * HIDDEN, 6 * HIDDEN)
        self.proj2 = nn.Linear(6 * HIDDEN, 6 * HIDDEN)
        self.out_layer = nn.Linear(6 * HIDDEN, outputs)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Logits of `(B, T, F)` inputs by `l`, `a`, `v`."""
        x = {}
        for letter, values in inputs.items():
            turned = values.transpose(1, 2)
            if WIDTHS[letter] != HIDDEN:
                turned = self.get_submodule(f"proj_{letter}")(turned)
            x[letter] = turned.permute(2, 0, 1)
        last = []
        for target in "lav":
            streams = [
                self.get_submodule(f"trans_{target}_with_{source}")(x[target], x[source])
                for source in "lav".replace(target, "")
            ]
            last.append(self.get_submodule(f"trans_{target}_mem")(torch.cat(streams, 2))[-1])
        features = torch.cat(last, 1)
        return self.out_layer(features + self.proj2(self.proj1(features).relu()))


class AlbertTextModel(nn.Module):
    """ALBERT with a pooler that is never read."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        config = AlbertConfig(
            vocab_size=11,
            embedding_size=12,
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=40,
            max_position_embeddings=16,
        )
        self.activation = nn.ReLU()
        self.linear_transformation = nn.Linear(WIDTHS["l"], 12)
        self.model = AlbertModel(config)
        self.text_mlp = nn.Linear(32, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of `x (B, T, F)`."""
        hidden = self.model(inputs_embeds=self.linear_transformation(x)).last_hidden_state
        return self.text_mlp(hidden.mean(1))


class AudioModel(nn.Module):
    """ResNet-18 on audio."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.a_branch = ResNet(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of `x (B, T, F)`."""
        return self.a_branch(x[:, None])


class VisionModel(nn.Module):
    """ResNet-18 on vision."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.v_branch = ResNet(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of `x (B, T, F)`."""
        return self.v_branch(x[:, None])


class CAUSALMER(nn.Module):
    """The whole model; its fusion is `mask`."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.modality = "tav"
        self.nde_t_weight = self.nde_a_weight = self.nde_v_weight = 1.0
        self.activation = nn.ReLU()
        self.fusion_mode = "mask"
        self.tav_branch = MULTModel(outputs)
        self.t_branch = AlbertTextModel(outputs)
        self.a_branch = AudioModel(outputs)
        self.v_branch = VisionModel(outputs)
        self.constant_t, self.constant_a, self.constant_v = (
            nn.Parameter(torch.tensor(value)) for value in (0.1, -0.2, 0.3)
        )

    def forward(self, text: Tensor, audio: Tensor, vision: Tensor) -> dict[str, Tensor]:
        """Logits of the four branches, of the fusion, and the TIE."""
        m = self.tav_branch({"l": text, "a": audio, "v": vision})
        t, a, v = self.t_branch(text), self.a_branch(audio), self.v_branch(vision)
        c_t, c_a, c_v = (c.detach() for c in (self.constant_t, self.constant_a, self.constant_v))
        none = c_t + c_a + c_v

        def fuse(m: Tensor, t: Tensor, a: Tensor, v: Tensor) -> Tensor:
            return m * torch.sigmoid(t + a + v)

        everything, nothing = fuse(m, t, a, v), fuse(none, none, none, none)
        direct = fuse(c_t, t, c_t, c_t) + fuse(c_a, c_a, a, c_a) + fuse(c_v, c_v, c_v, v)
        tie = everything - direct + 2 * nothing
        return {
            "backbone": m,
            "text": t,
            "audio": a,
            "vision": v,
            "factual": everything,
            "te": everything - nothing,
            "tie": tie,
        }


PUBLISHED_HOMES = {
    "src.causal_mer_model": (CAUSALMER,),
    "src.models": (MULTModel,),
    "src.model_t": (AlbertTextModel,),
    "src.model_a": (AudioModel,),
    "src.model_v": (VisionModel,),
    "modules.transformer": (TransformerEncoder, TransformerEncoderLayer),
    "modules.position_embedding": (SinusoidalPositionalEmbedding,),
    "torchvision.models.resnet": (ResNet, BasicBlock),
}


@contextmanager
def at_home() -> Iterator[None]:
    """The stand-ins under the published modules' names, for as long as something is pickled; gone afterwards."""
    for name, classes in PUBLISHED_HOMES.items():
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:depth]), types.ModuleType(".".join(parts[:depth])))
        for kind in classes:
            kind.__module__ = name
            setattr(sys.modules[name], kind.__name__, kind)
    try:
        yield
    finally:
        for name in PUBLISHED_HOMES:
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                sys.modules.pop(".".join(parts[:depth]), None)


def published_model(outputs: int = 8, *, seed: int = 0) -> CAUSALMER:
    """A model in evaluation mode whose running statistics, too, are not those of a fresh one."""
    torch.manual_seed(seed)
    model = CAUSALMER(outputs)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return model.eval()


def save(content: Any, path: Any) -> None:
    """`torch.save`, with the stand-ins under their published names."""
    with at_home():
        torch.save(content, path)
