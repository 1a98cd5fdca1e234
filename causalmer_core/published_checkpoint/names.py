"""Our parameter names, and the names in published CausalMER checkpoints.

    ours                                        published
    no_treatment (3,)                           constant_t, constant_a, constant_v, three scalars
    backbone.*                                  tav_branch.*
    text_branch.projection.*                    t_branch.linear_transformation.*
    text_branch.albert.*                        t_branch.model.*
    text_branch.head.*                          t_branch.text_mlp.*
    {audio,vision}_branch.resnet.*              {a_branch.a_branch,v_branch.v_branch}.*
    {audio,vision}_branch.head.*                {a_branch.a_branch,v_branch.v_branch}.fc.*

Inside a ResNet-18 our names are those of transformers and the published ones torchvision's:

    embedder.embedder.{convolution,normalization}           conv1, bn1
    encoder.stages.I.layers.J.layer.K.convolution           layer{I+1}.J.conv{K+1}
    encoder.stages.I.layers.J.layer.K.normalization         layer{I+1}.J.bn{K+1}
    encoder.stages.I.layers.J.shortcut.{convolution,normalization}    layer{I+1}.J.downsample.{0,1}

Buffers (`running_mean`, ...) follow the same rules. `UNUSED` matches tensors of a published checkpoint that the method
never reads: ALBERT's pooler (the branch takes the mean over time), and the markers of MulT's position embeddings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from causalmer_core.basics.errors import UserError

CONSTANTS = ("constant_t", "constant_a", "constant_v")
"""The published names of our `no_treatment`, in its order."""

UNUSED = re.compile(
    r"t_branch\.model\.(pooler\.(weight|bias)|embeddings\.(position_ids|token_type_ids))"
    r"|tav_branch\.trans_\w+\.(version|embed_positions\._float_tensor)"
)
"""Published names of tensors that the method never reads."""

_PREFIXES = (
    ("backbone.", "tav_branch."),
    ("text_branch.projection.", "t_branch.linear_transformation."),
    ("text_branch.albert.", "t_branch.model."),
    ("text_branch.head.", "t_branch.text_mlp."),
    ("audio_branch.resnet.", "a_branch.a_branch."),
    ("audio_branch.head.", "a_branch.a_branch.fc."),
    ("vision_branch.resnet.", "v_branch.v_branch."),
    ("vision_branch.head.", "v_branch.v_branch.fc."),
)
_STAGE = re.compile(r"encoder\.stages\.(\d+)\.layers\.(\d+)\.")
_UNIT = re.compile(r"layer\.(\d+)\.(convolution|normalization)\.")
_KIND = {"convolution": "conv", "normalization": "bn"}
_RESNET_PARTS = (
    ("embedder.embedder.convolution.", "conv1."),
    ("embedder.embedder.normalization.", "bn1."),
    ("shortcut.convolution.", "downsample.0."),
    ("shortcut.normalization.", "downsample.1."),
)


def published_names(name: str) -> tuple[str, ...]:
    """The published name of one of our parameters or buffers; three for `no_treatment`, otherwise one.

    Raises:
        KeyError: the published model has nothing of that name (the small branches are ours alone).
    """
    if name == "no_treatment":
        return CONSTANTS
    for ours, theirs in _PREFIXES:
        if name.startswith(ours):
            rest = name.removeprefix(ours)
            return (theirs + (_torchvision_name(rest) if ours.endswith("resnet.") else rest),)
    raise KeyError(name)


def from_published(names: Iterable[str], published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published tensors under our `names`, for `load_state_dict`.

    Raises:
        UserError: a needed tensor is missing, or a tensor is neither needed nor `UNUSED`.
    """
    sources = {name: published_names(name) for name in names}
    needed = {source for group in sources.values() for source in group}
    missing = sorted(needed - published.keys())
    unknown = sorted(name for name in published.keys() - needed if not UNUSED.fullmatch(name))
    if missing or unknown:
        raise UserError(
            "the published checkpoint does not fit the configuration; "
            f"missing: {_listed(missing)}; not known: {_listed(unknown)}"
        )
    return {
        name: torch.stack([published[source] for source in group]) if len(group) > 1 else published[group[0]]
        for name, group in sources.items()
    }


def _torchvision_name(name: str) -> str:
    name = _STAGE.sub(lambda m: f"layer{int(m[1]) + 1}.{m[2]}.", name)
    name = _UNIT.sub(lambda m: f"{_KIND[m[2]]}{int(m[1]) + 1}.", name)
    for ours, theirs in _RESNET_PARTS:
        name = name.replace(ours, theirs)
    return name


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5]) or "none"
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
