"""Builds a backbone by its name: one of ours, or one that another package adds.

Other packages use the entry-point group `causalmer.backbones`; see `causalmer_core.config.backbone_config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from causalmer_core.backbones.base import Backbone, InputShape
from causalmer_core.backbones.dmd import DMD
from causalmer_core.backbones.mult import MulT
from causalmer_core.backbones.pmr import PMR
from causalmer_core.backbones.recurrent import EarlyFusionLSTM, LateFusionLSTM, Unimodal
from causalmer_core.basics.errors import unknown_name
from causalmer_core.config.backbone_config import BackboneConfig, backbone_names, installed, installed_class

BACKBONES: Mapping[str, type[Any]] = {
    "mult": MulT,
    "dmd": DMD,
    "pmr": PMR,
    "early_fusion_lstm": EarlyFusionLSTM,
    "late_fusion_lstm": LateFusionLSTM,
    "unimodal": Unimodal,
}
"""Our own backbones by name."""


def build_backbone(config: BackboneConfig, shape: InputShape) -> Backbone:
    """The backbone that a configuration names, with fresh weights from torch's default generator.

    Raises:
        UserError: there is no backbone of this name, or it does not fit the shape.
    """
    if config.name not in BACKBONES and config.name not in installed():
        raise unknown_name("backbone", config.name, backbone_names())
    kind = BACKBONES.get(config.name) or installed_class(config.name)
    backbone: Backbone = kind(config, shape)
    return backbone
