"""Backbones: the multimodal networks under test, one file each, all under the contract of `base`."""

from __future__ import annotations

from collections.abc import Mapping

from causalmer_core.backbones.base import Backbone
from causalmer_core.backbones.mult import MulT
from causalmer_core.config import BackboneConfig
from causalmer_core.modality import Modality


def build_backbone(
    config: BackboneConfig,
    *,
    widths: Mapping[Modality, int],
    lengths: Mapping[Modality, int],
    num_outputs: int,
) -> Backbone:
    """The backbone that a configuration names, with fresh weights from torch's default generator."""
    return MulT(config, widths=widths, lengths=lengths, num_outputs=num_outputs)
