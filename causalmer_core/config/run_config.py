"""The configuration of a run: everything that it depends on, except its seed.

Defaults are the published IEMOCAP configuration of CausalMER (its `main.sh`), unless a field says otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from causalmer_core.basics.errors import invalid
from causalmer_core.basics.validation import Frozen
from causalmer_core.config.backbone_config import AnyBackboneConfig, MulTConfig, Probability

LearningRate = Annotated[float, Field(gt=0.0, le=1.0)]


_GROUP = r"id(\.\d+)?"


def _part_of_an_id(group: str) -> str:
    if not re.fullmatch(_GROUP, group):
        raise invalid("not a part of an id", "id, or id.0, id.1, ... for its parts between '/'")
    return group


class FoldsConfig(Frozen):
    """Folds over groups in place of the data set's own training and validation split; see `datasets.folds`.

    The training and the validation samples are pooled and cut into `folds` parts, with no group in two of them. Seed s
    validates on part `s mod folds` and trains on the others, so seeds and folds replicate together.

    Attributes:
        folds: the number of parts.
        group: samples of one group stay in one part. The group is `id`, the whole id of a sample, or a part of it
            between `/`: `id.0` (default), the video or the speaker, `id.1`, and so on.
    """

    folds: int = Field(ge=2)
    group: Annotated[
        str, AfterValidator(_part_of_an_id), Field(json_schema_extra={"pattern": f"^{_GROUP}$"})
    ] = "id.0"


class DataConfig(Frozen):
    """The data set, the scaling of its features, and the validation split.

    Attributes:
        fingerprint: digest of the data set's contents; a sweep fills it in.
        standardise: subtract the training mean and divide by the training standard deviation of each channel; `auto`
            (default) does so if the modalities' scales differ by more than a factor of three.
        padding_masks: backbones ignore steps beyond a sample's length, if the data set has lengths (published: padding
            is attended to).
        split: folds over groups. None (default): the data set's own split.
    """

    fingerprint: str = ""
    standardise: Literal["auto", "always", "never"] = "auto"
    padding_masks: bool = True
    split: FoldsConfig | None = None


class AlbertBranchConfig(Frozen):
    """Text branch as published: Linear(features, embedding) -> ALBERT -> mean over time -> Linear.

    Attributes:
        path: a local folder with a pretrained `config.json` and weights. None (default): ALBERT is built from the
            numbers here (albert-base-v2's by default) with fresh weights, and the run's record says so.
        weights_sha256: digest of the files under `path`; a sweep fills it in when it begins. The digest is part of the
            identity, the path is not.
        frozen: keeps ALBERT's own weights fixed and trains the projection and the head only (default false).
        embedding_size: width of the embeddings; the features are projected to it.
        hidden_size: width of the layers; a multiple of `num_heads`.
        num_layers: the number of times that ALBERT's one layer is applied.
        num_heads: attention heads.
        intermediate_size: width inside the feed-forward part.
        vocab_size: the number of word embeddings, which are never read but count in the published size.
        max_positions: the longest text, in steps.
        dropout: probability, in the layers.
    """

    name: Literal["albert"] = "albert"
    path: str | None = None
    weights_sha256: str = ""
    frozen: bool = False
    embedding_size: int = Field(default=128, ge=1)
    hidden_size: int = Field(default=768, ge=1)
    num_layers: int = Field(default=12, ge=1)
    num_heads: int = Field(default=12, ge=1)
    intermediate_size: int = Field(default=3072, ge=1)
    vocab_size: int = Field(default=30000, ge=1)
    max_positions: int = Field(default=512, ge=1)
    dropout: Probability = 0.0

    @model_validator(mode="after")
    def _heads_divide_width(self) -> AlbertBranchConfig:
        if self.hidden_size % self.num_heads:
            raise ValueError(f"num_heads {self.num_heads} does not divide hidden_size {self.hidden_size}")
        return self


class TransformerBranchConfig(Frozen):
    """Small text branch for quick starts on a CPU: Linear -> transformer encoder -> mean over time -> Linear.

    Attributes:
        hidden_dim: channels; even, and a multiple of `num_heads`.
        num_heads: attention heads.
        layers: depth of the encoder.
        dropout: probability, everywhere in the encoder.
    """

    name: Literal["transformer"] = "transformer"
    hidden_dim: int = Field(default=32, ge=4, multiple_of=2)
    num_heads: int = Field(default=4, ge=1)
    layers: int = Field(default=1, ge=1)
    dropout: Probability = 0.1

    @model_validator(mode="after")
    def _heads_divide_width(self) -> TransformerBranchConfig:
        if self.hidden_dim % self.num_heads:
            raise ValueError(f"num_heads {self.num_heads} does not divide hidden_dim {self.hidden_dim}")
        return self


class ResNet18BranchConfig(Frozen):
    """Audio or vision branch as published: ResNet-18 on the one-channel `(time, features)` image."""

    name: Literal["resnet18"] = "resnet18"


class SmallConvBranchConfig(Frozen):
    """Small audio or vision branch for a CPU: two strided convolutions over time, mean over time, Linear.

    Attributes:
        hidden_dim: channels.
        dropout: probability, of channels after each convolution.
    """

    name: Literal["small_conv"] = "small_conv"
    hidden_dim: int = Field(default=32, ge=1)
    dropout: Probability = 0.1


TextBranchConfig = Annotated[AlbertBranchConfig | TransformerBranchConfig, Field(discriminator="name")]
ImageBranchConfig = Annotated[ResNet18BranchConfig | SmallConvBranchConfig, Field(discriminator="name")]
FusionName = Literal["sum", "hm", "tanh", "mask"]
Debiasing = Literal["counterfactual", "late_fusion", "rubi", "learned_mixin", "none"]


class DebiasingWeights(Frozen):
    """Weights of the natural direct effects in `TIE_w = TE - sum_k w_k NDE_k`; all 1 is the paper.

    The published code declares these weights and never uses them.

    Attributes:
        text, audio, vision: w_k of each modality.
    """

    text: float = Field(default=1.0, ge=0.0)
    audio: float = Field(default=1.0, ge=0.0)
    vision: float = Field(default=1.0, ge=0.0)


class ModelConfig(Frozen):
    """The model: a backbone, and the branches, fusion and constants of counterfactual debiasing.

    Attributes:
        backbone: the multimodal network under test.
        debiasing: `counterfactual` (default) is CausalMER; `none` is the backbone alone, trained on its own loss;
            `late_fusion`, `rubi` and `learned_mixin` are debiasing baselines
            (`causalmer_core.models.debiasing_baselines`).
        fusion: the way to combine the logits of backbone and branches (see `causalmer_core.method.fusion`).
        fusion_form: `log_space` (default) computes `sum` and `hm` without bias; `published` adds 1e-12 inside their
            logarithms.
        constants: the no-treatment logits: `auto` (default) holds them at their start if they cannot learn; `learned`
            always trains them, as published, and Adam then amplifies the rounding noise of a zero gradient.
        text_branch: the unimodal branch on text.
        audio_branch: the unimodal branch on audio.
        vision_branch: the unimodal branch on vision.
        initial_constant: the start of the no-treatment logits c_t, c_a, c_v (published: 0).
        debiasing_weights: weights of the direct effects in the TIE.
    """

    backbone: AnyBackboneConfig = MulTConfig()
    debiasing: Debiasing = "counterfactual"
    fusion: FusionName = "mask"
    fusion_form: Literal["log_space", "published"] = "log_space"
    constants: Literal["auto", "learned"] = "auto"
    text_branch: TextBranchConfig = AlbertBranchConfig()
    audio_branch: ImageBranchConfig = ResNet18BranchConfig()
    vision_branch: ImageBranchConfig = ResNet18BranchConfig()
    initial_constant: float = 0.0
    debiasing_weights: DebiasingWeights = DebiasingWeights()


class LossConfig(Frozen):
    """`loss = alpha * (the task losses of the fused logits and of each branch) + beta * KL`; see `losses`.

    Attributes:
        alpha: weight of the task losses.
        beta: weight of the KL term.
        kl_axis: `flat` takes the softmax in the KL term over all logits, as published; `per_emotion` (default,
            corrected) over each emotion's pair of logits. Both are the same for a classes task.
    """

    alpha: float = Field(default=0.1, ge=0.0)
    beta: float = Field(default=1.0, ge=0.0)
    kl_axis: Literal["per_emotion", "flat"] = "per_emotion"


class LearningRates(Frozen):
    """Adam's learning rate for each group of parameters (published: 2e-3, ALBERT's group 1e-6).

    Attributes:
        backbone, text, audio, vision: rates of the backbone, and of each modality's branch.
        constants: rate of the no-treatment logits.
    """

    backbone: LearningRate = 2e-3
    text: LearningRate = 1e-6
    audio: LearningRate = 2e-3
    vision: LearningRate = 2e-3
    constants: LearningRate = 2e-3


class OptimiserConfig(Frozen):
    """Adam.

    Attributes:
        learning_rates: for each group of parameters.
        clip_norm: the largest norm of the gradient over all parameters together.
        weight_decay: Adam's weight decay, added to the gradient.
        accumulate_batches: the number of batches whose gradients are added up for one step (published for DMD: 10).
            Fewer batches at the end of an epoch make a step, too.
        drop_last_batches: leaves out that last step, as DMD's loop does (default false).
    """

    learning_rates: LearningRates = LearningRates()
    clip_norm: float = Field(default=0.8, gt=0.0)
    weight_decay: float = Field(default=0.0, ge=0.0)
    accumulate_batches: int = Field(default=1, ge=1)
    drop_last_batches: bool = False


class TrainerConfig(Frozen):
    """The length of training, its schedule, and its metric.

    Attributes:
        batch_size: samples a batch.
        max_epochs: the largest number of epochs.
        monitor: the metric on the validation split that decides scores, the best epoch and early stopping. Its
            direction is declared with the metric.
        plateau_by: the value that the plateau schedule watches: `monitor` (default), the validation loss `loss` as
            published, which the KL term dominates, or its task part `task_loss`.
        plateau_patience: the number of epochs without a new best before the learning rates drop.
        plateau_factor: the factor of that drop.
        early_stopping: the number of epochs without a new best after which training ends. None (default): never, as
            published.
        precision: `bf16` runs the layers under autocast; effects, losses and weights stay in float32 (default:
            everything).
    """

    batch_size: int = Field(default=32, ge=2)
    max_epochs: int = Field(default=50, ge=1)
    monitor: str = "accuracy"
    plateau_by: Literal["monitor", "loss", "task_loss"] = "monitor"
    plateau_patience: int = Field(default=20, ge=0)
    plateau_factor: float = Field(default=0.1, gt=0.0, lt=1.0)
    early_stopping: int | None = Field(default=None, ge=1)
    precision: Literal["float32", "bf16"] = "float32"


class RunConfig(Frozen):
    """A configuration: one assignment of all hyperparameters, without a seed.

    Attributes:
        data: the data set, the scaling of its features, and the validation split.
        model: the backbone, and the branches, fusion and constants of counterfactual debiasing.
        loss: weights of the loss's terms.
        optimiser: Adam and its learning rates.
        trainer: the length of training, its schedule, and its metric.
    """

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    loss: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    trainer: TrainerConfig = TrainerConfig()

    def with_values(self, values: Mapping[str, Any]) -> RunConfig:
        """The configuration with some values replaced, each named by its dotted path.

        A mapping is merged into the value at its path. If it names another variant
        (`model.text_branch: {name: transformer}`), the new variant starts from its own defaults.

        Raises:
            pydantic.ValidationError: a path or a value is not allowed.
        """
        return RunConfig.read(merged(self.model_dump(mode="json"), nested(values)))

    @classmethod
    def read(cls, tree: Mapping[str, Any]) -> RunConfig:
        """The configuration that a nested mapping of plain values describes, such as a record holds.

        Raises:
            pydantic.ValidationError: a key or a value is not allowed.
        """
        return _validated(json.dumps(tree))

    def value(self, path: str) -> Any:
        """The value at a dotted path.

        Raises:
            KeyError: the configuration has no such path.
        """
        node: Any = self.model_dump(mode="json")
        for key in path.split("."):
            if not isinstance(node, dict) or key not in node:
                raise KeyError(path)
            node = node[key]
        return node


# A sweep meets one configuration in a proposal, in journals, in jobs and in checkpoints. It is validated once.
@lru_cache(maxsize=256)
def _validated(text: str) -> RunConfig:
    return RunConfig.model_validate_json(text)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted path as a nested mapping."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        branch: Any = value
        for key in reversed(path.split(".")):
            branch = {key: branch}
        tree = merged(tree, branch)
    return tree


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `change` merged in, recursively; a mapping with another `name` replaces instead."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            if "name" in old and "name" in value and old["name"] != value["name"]:
                result[key] = dict(value)
            else:
                result[key] = merged(old, value)
        else:
            result[key] = value
    return result
