"""The settings of a published model that follow from the shapes of its tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Modality

_PROJECTIONS = {
    Modality.TEXT: "tav_branch.proj_l.weight",
    Modality.AUDIO: "tav_branch.proj_a.weight",
    Modality.VISION: "tav_branch.proj_v.weight",
}
_ALBERT = "t_branch.model."
_ALBERT_LAYER = re.compile(r"t_branch\.model\.encoder\.albert_layer_groups\.(\d+)\.albert_layers\.(\d+)\.")


@dataclass(frozen=True, slots=True)
class PublishedShapes:
    """The numbers that follow from shapes.

    Attributes:
        outputs: logits a sample.
        widths: features a step of each modality.
        mult: `hidden_dim`, `layers`, `memory_layers` and the three `kernel_*` of the MulT backbone.
        albert: `embedding_size`, `hidden_size`, `intermediate_size`, `vocab_size`, `max_positions` of the text branch.
        unread: published tensors that a model of these shapes never reads: the projection of a modality that is as
            wide as the backbone already.
    """

    outputs: int
    widths: dict[Modality, int]
    mult: dict[str, int]
    albert: dict[str, int]
    unread: tuple[str, ...]


def read_shapes(path: Path, tensors: Mapping[str, Tensor]) -> PublishedShapes:
    """The shapes of a published CausalMER checkpoint.

    Args:
        path: the file, for messages.
        tensors: by published names.

    Raises:
        UserError: a tensor that is needed for this is missing, or has another number of dimensions.
    """
    known = _Known(path, tensors)
    outputs, features = known.shape("tav_branch.out_layer.weight", 2)
    hidden = known.shape("tav_branch.trans_l_mem.layer_norm.weight", 1)[0] // 2
    if features != 6 * hidden:
        raise UserError(
            f"{path}: tav_branch.out_layer.weight takes {features} features, which is not 6 x hidden_dim {hidden}: "
            "allowed are models with all three targets (published without --lonly, --aonly, --vonly)"
        )
    widths = {Modality.TEXT: known.shape("t_branch.linear_transformation.weight", 2)[1]}
    mult = {
        "hidden_dim": hidden,
        "layers": known.count(r"tav_branch\.trans_l_with_a\.layers\.(\d+)\."),
        "memory_layers": known.count(r"tav_branch\.trans_l_mem\.layers\.(\d+)\."),
    }
    unread = []
    for modality in MODALITIES:
        name = _PROJECTIONS[modality]
        if name in tensors:
            _, widths[modality], mult[f"kernel_{modality}"] = known.shape(name, 3)
        if widths.setdefault(modality, hidden) == hidden and name in tensors:
            unread.append(name)
            del mult[f"kernel_{modality}"]
    return PublishedShapes(outputs, widths, mult, _albert(known), tuple(unread))


def _albert(known: _Known) -> dict[str, int]:
    layers = {match.groups() for name in known.tensors if (match := _ALBERT_LAYER.match(name))}
    if layers != {("0", "0")}:
        raise UserError(
            f"{known.path}: the text branch has {len(layers)} distinct layers of ALBERT; allowed: one, which albert "
            "repeats, as albert-base-v2 has"
        )
    vocabulary, embedding = known.shape(f"{_ALBERT}embeddings.word_embeddings.weight", 2)
    intermediate, hidden = known.shape(
        f"{_ALBERT}encoder.albert_layer_groups.0.albert_layers.0.ffn.weight", 2
    )
    return {
        "embedding_size": embedding,
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "vocab_size": vocabulary,
        "max_positions": known.shape(f"{_ALBERT}embeddings.position_embeddings.weight", 2)[0],
    }


@dataclass(frozen=True, slots=True)
class _Known:
    """The tensors of a file, for checked look-ups of their shapes."""

    path: Path
    tensors: Mapping[str, Tensor]

    def shape(self, name: str, dimensions: int) -> tuple[int, ...]:
        if name not in self.tensors:
            raise UserError(
                f"{self.path}: no tensor {name} among {len(self.tensors)}; allowed are checkpoints of the published "
                "CausalMER with ALBERT and ResNet-18 branches"
            )
        shape = tuple(self.tensors[name].shape)
        if len(shape) != dimensions or 0 in shape:
            raise UserError(f"{self.path}: {name} has shape {shape}; needed: {dimensions} dimensions, none 0")
        return shape

    def count(self, pattern: str) -> int:
        """The count of different numbers in the names that begin with the pattern."""
        numbers = {match[1] for name in self.tensors if (match := re.match(pattern, name))}
        if not numbers:
            raise UserError(f"{self.path}: no tensor whose name begins with {pattern.replace(chr(92), '')}")
        return len(numbers)
