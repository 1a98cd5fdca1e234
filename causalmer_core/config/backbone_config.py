"""The configurations of backbones, and how a name finds its configuration.

Nothing here imports torch, so a sweep's file is checked without it. Other packages add backbones through the
entry-point group `causalmer.backbones`. The entry point has the backbone's name and leads to a subclass of
`causalmer_core.backbones.base.Backbone`, whose `config_type` is a subclass of `BackboneConfig`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, ValidatorFunctionWrapHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from causalmer_core.basics.errors import invalid
from causalmer_core.basics.validation import Frozen

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]
Weight = Annotated[float, Field(ge=0.0)]

ENTRY_POINTS = "causalmer.backbones"
"""The group in which other packages name their backbones."""


class BackboneConfig(Frozen):
    """Base of the configurations of backbones.

    Attributes:
        name: the name of the backbone; a subclass gives it a default.
    """

    name: str

    @model_validator(mode="after")
    def _heads_divide_width(self) -> BackboneConfig:
        width, heads = getattr(self, "hidden_dim", 0), getattr(self, "num_heads", 1)
        if width % heads:
            raise ValueError(f"num_heads {heads} does not divide hidden_dim {width}")
        return self


class MulTConfig(BackboneConfig):
    """The MulT backbone (Tsai et al., ACL 2019). Widths count channels, dropouts are probabilities.

    Attributes:
        hidden_dim: width; even, and a multiple of `num_heads`.
        num_heads: attention heads.
        layers: depth of the crossmodal transformers.
        memory_layers: depth of the memory transformers. None (default): `max(layers, 3)`, as published.
        kernel_text, kernel_audio, kernel_vision: widths of the temporal convolutions in front (published: 3/5/3 on
            IEMOCAP, 1/3/3 on MOSEI).
        attn_mask: whether a step attends to no later one.
        attn_dropout: of attention to text and in the memory transformers, as in the published code.
        attn_dropout_audio: of attention to audio.
        attn_dropout_vision: of attention to vision.
        relu_dropout: inside the feed-forward parts.
        embed_dropout: on the input of each transformer, and on the text features.
        res_dropout: on the terms that are added to the residual.
        out_dropout: inside the head.
    """

    name: Literal["mult"] = "mult"
    hidden_dim: int = Field(default=40, ge=4, multiple_of=2)
    num_heads: int = Field(default=10, ge=1)
    layers: int = Field(default=5, ge=1)
    memory_layers: int | None = Field(default=None, ge=1)
    kernel_text: int = Field(default=3, ge=1)
    kernel_audio: int = Field(default=5, ge=1)
    kernel_vision: int = Field(default=3, ge=1)
    attn_mask: bool = True
    attn_dropout: Probability = 0.2
    attn_dropout_audio: Probability = 0.0
    attn_dropout_vision: Probability = 0.0
    relu_dropout: Probability = 0.1
    embed_dropout: Probability = 0.25
    res_dropout: Probability = 0.1
    out_dropout: Probability = 0.1


class DMDLossWeights(Frozen):
    """Weights of DMD's own loss terms; the defaults are the published ones.

    Attributes:
        tasks: of the task losses of the shared and of the six unimodal predictions.
        reconstruction: of the features from their shared and their own parts.
        cycle: of the modalities' own parts, computed again from the reconstructed features.
        margin: of the margin loss between shared parts.
        orthogonality: of shared parts to modalities' own parts.
        homogeneous_regularisation, homogeneous_logits, homogeneous_representations: of the terms of the
            graph-distillation unit of the shared parts; the published loss leaves the representations out.
        heterogeneous_regularisation, heterogeneous_logits, heterogeneous_representations: of the terms of the
            graph-distillation unit of the modalities' own parts.
    """

    tasks: Weight = 1.0
    reconstruction: Weight = 0.1
    cycle: Weight = 0.1
    margin: Weight = 0.01
    orthogonality: Weight = 0.01
    homogeneous_regularisation: Weight = 0.05
    homogeneous_logits: Weight = 0.05
    homogeneous_representations: Weight = 0.0
    heterogeneous_regularisation: Weight = 0.05
    heterogeneous_logits: Weight = 0.05
    heterogeneous_representations: Weight = 0.05


class DMDConfig(BackboneConfig):
    """The DMD backbone (Li et al., CVPR 2023); the defaults are the published ones on CMU-MOSEI, without BERT.

    Attributes:
        hidden_dim: width; even, and a multiple of `num_heads`.
        num_heads: attention heads.
        layers: depth of the crossmodal transformers.
        memory_layers: depth of the memory transformers. None (default): `max(layers, 3)`, as published.
        kernel_text, kernel_audio, kernel_vision: widths of the temporal convolutions in front (published: 5/1/3 on
            MOSEI, 5/5/5 on MOSI).
        attn_mask: whether a step attends to no later one.
        attn_dropout: of attention to text and in the memory transformers.
        attn_dropout_audio: of attention to audio.
        attn_dropout_vision: of attention to vision.
        relu_dropout: inside the feed-forward parts.
        embed_dropout: on the input of each transformer.
        res_dropout: on the terms that are added to the residual.
        text_dropout: on the text features.
        out_dropout: inside the heads.
        loss_weights: of the loss's terms.
    """

    name: Literal["dmd"] = "dmd"
    hidden_dim: int = Field(default=30, ge=4, multiple_of=2)
    num_heads: int = Field(default=6, ge=1)
    layers: int = Field(default=4, ge=1)
    memory_layers: int | None = Field(default=None, ge=1)
    kernel_text: int = Field(default=5, ge=1)
    kernel_audio: int = Field(default=1, ge=1)
    kernel_vision: int = Field(default=3, ge=1)
    attn_mask: bool = True
    attn_dropout: Probability = 0.4
    attn_dropout_audio: Probability = 0.0
    attn_dropout_vision: Probability = 0.0
    relu_dropout: Probability = 0.0
    embed_dropout: Probability = 0.0
    res_dropout: Probability = 0.0
    text_dropout: Probability = 0.3
    out_dropout: Probability = 0.5
    loss_weights: DMDLossWeights = DMDLossWeights()


class PMRConfig(BackboneConfig):
    """The PMR backbone (Lv et al., CVPR 2021). Its authors published no code; see `backbones.pmr` for our reading.

    The hub is as long as all modalities together. On a CPU torch keeps the attention's maps of all pairs of steps if
    `attn_dropout` is above 0: about 4 GiB a sample at 50/500/500 steps, against 0.1 GiB with `attn_dropout: 0`
    (`benchmarks/backbones_memory.py`).

    Attributes:
        hidden_dim: width; even, and a multiple of `num_heads`.
        num_heads: attention heads.
        layers: the number of times that the message hub and the modalities reinforce each other.
        head_layers: depth of the transformer over hub and modalities.
        kernel_text, kernel_audio, kernel_vision: widths of the temporal convolutions in front.
        score_steps: the largest number of steps to which the hub is pooled over time, before the scores of the message
            update unit. The map of the scores is quadratic in steps times width.
        attn_dropout: on attention's weights.
        relu_dropout: inside the feed-forward parts.
        embed_dropout: on the input of the reinforcement.
        res_dropout: on the terms that are added to the residual.
        out_dropout: inside the head.
    """

    name: Literal["pmr"] = "pmr"
    hidden_dim: int = Field(default=40, ge=4, multiple_of=2)
    num_heads: int = Field(default=8, ge=1)
    layers: int = Field(default=3, ge=1)
    head_layers: int = Field(default=3, ge=1)
    kernel_text: int = Field(default=3, ge=1)
    kernel_audio: int = Field(default=3, ge=1)
    kernel_vision: int = Field(default=3, ge=1)
    score_steps: int = Field(default=8, ge=1)
    attn_dropout: Probability = 0.2
    relu_dropout: Probability = 0.1
    embed_dropout: Probability = 0.25
    res_dropout: Probability = 0.1
    out_dropout: Probability = 0.1


class EarlyFusionLSTMConfig(BackboneConfig):
    """Baseline: the modalities' features side by side at every step, one LSTM, a head on its last state.

    Attributes:
        hidden_dim: width of the LSTM.
        layers: depth of the LSTM.
        out_dropout: inside the head.
    """

    name: Literal["early_fusion_lstm"] = "early_fusion_lstm"
    hidden_dim: int = Field(default=64, ge=1)
    layers: int = Field(default=1, ge=1)
    out_dropout: Probability = 0.1


class LateFusionLSTMConfig(BackboneConfig):
    """Baseline: one LSTM a modality, a head on their last states side by side.

    Attributes:
        hidden_dim: width of each LSTM.
        layers: depth of each LSTM.
        out_dropout: inside the head.
    """

    name: Literal["late_fusion_lstm"] = "late_fusion_lstm"
    hidden_dim: int = Field(default=64, ge=1)
    layers: int = Field(default=1, ge=1)
    out_dropout: Probability = 0.1


class UnimodalConfig(BackboneConfig):
    """Baseline: one modality's LSTM and head; the other two are ignored.

    Attributes:
        modality: the modality that is used.
        hidden_dim: width of the LSTM.
        layers: depth of the LSTM.
        out_dropout: inside the head.
    """

    name: Literal["unimodal"] = "unimodal"
    modality: Literal["text", "audio", "vision"] = "text"
    hidden_dim: int = Field(default=64, ge=1)
    layers: int = Field(default=1, ge=1)
    out_dropout: Probability = 0.1


BUILT_IN: Mapping[str, type[BackboneConfig]] = {
    "mult": MulTConfig,
    "dmd": DMDConfig,
    "pmr": PMRConfig,
    "early_fusion_lstm": EarlyFusionLSTMConfig,
    "late_fusion_lstm": LateFusionLSTMConfig,
    "unimodal": UnimodalConfig,
}
"""The configurations of our own backbones by name."""

_BuiltIn = Annotated[
    MulTConfig | DMDConfig | PMRConfig | EarlyFusionLSTMConfig | LateFusionLSTMConfig | UnimodalConfig,
    Field(discriminator="name"),
]


def installed() -> dict[str, EntryPoint]:
    """The backbones that other packages add, by name; our own names cannot be taken."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if point.name not in BUILT_IN}


def backbone_names() -> tuple[str, ...]:
    """Every name that `model.backbone.name` may have."""
    return (*BUILT_IN, *sorted(installed()))


def installed_class(name: str) -> Any:
    """The class of a backbone that another package adds.

    Raises:
        PydanticCustomError: it cannot be imported, or is no backbone with a `config_type` of this name.
    """
    point = installed()[name]
    try:
        found = point.load()
    except Exception as error:  # whatever another package raises when it is imported
        raise _unusable(name, point, f"cannot be imported: {type(error).__name__}: {error}") from error
    config_type = getattr(found, "config_type", None)
    if not (isinstance(config_type, type) and issubclass(config_type, BackboneConfig)):
        raise _unusable(name, point, "has no config_type that is a subclass of BackboneConfig")
    if config_type.model_fields["name"].default != name:
        raise _unusable(name, point, f"has a config_type whose name is not {name!r}")
    return found


def _unusable(name: str, point: EntryPoint, reason: str) -> PydanticCustomError:
    return invalid(
        f"the installed backbone {name!r} ({point.value}) {reason}",
        "a causalmer_core.backbones.base.Backbone; see docs/backbones.md",
    )


class _ByName:
    """Validates a backbone's configuration by its name: our own as a union, others by their entry points."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            _validated,
            handler.generate_schema(_BuiltIn),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda config: config),
        )


def _validated(value: Any, handler: ValidatorFunctionWrapHandler) -> BackboneConfig:
    if isinstance(value, BackboneConfig):
        return value
    name = value.get("name") if isinstance(value, Mapping) else None
    if isinstance(name, str) and name not in BUILT_IN:
        if name not in installed():
            raise _unknown(name, backbone_names())
        config_type: type[BackboneConfig] = installed_class(name).config_type
        return config_type.model_validate_json(json.dumps(value))
    config: BackboneConfig = handler(value)
    return config


def _unknown(name: str, allowed: Iterable[str]) -> PydanticKnownError:
    tags = ", ".join(f"'{other}'" for other in allowed)
    context = {"discriminator": "'name'", "tag": name, "expected_tags": tags}
    return PydanticKnownError("union_tag_invalid", context)


AnyBackboneConfig = Annotated[BackboneConfig, _ByName()]
"""Any backbone's configuration; its name decides which."""
