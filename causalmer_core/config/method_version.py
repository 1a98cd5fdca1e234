"""The published and the corrected method: every difference is a named option.

    option                   published     corrected (default) difference
    loss.kl_axis             flat          per_emotion        softmax in the KL term: all logits, or each pair
    model.fusion_form        published     log_space          1e-12 inside the logarithms of sum and hm, or none
    model.constants          learned       auto               constants with a zero gradient: trained, or held
    trainer.plateau_by       loss          monitor            the schedule's value: validation loss, or the metric
    data.standardise         never         auto               raw features, or by training statistics
    data.padding_masks       false         true               padding is attended to, or left out (where lengths are)

Both predict by `TIE_w = TE - sum_k w_k NDE_k`. The published code declares w and never uses it, which equals w = 1, the
default of both. Source: CausalMER's published code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

MethodVersion = Literal["corrected", "published"]

PUBLISHED_OPTIONS: Mapping[str, Any] = {
    "loss.kl_axis": "flat",
    "model.fusion_form": "published",
    "model.constants": "learned",
    "trainer.plateau_by": "loss",
    "data.standardise": "never",
    "data.padding_masks": False,
}
"""The values that `method: published` sets, by dotted path."""


def method_options(method: MethodVersion) -> Mapping[str, Any]:
    """The values that a version of the method sets, by dotted path. The corrected version is the defaults."""
    return PUBLISHED_OPTIONS if method == "published" else {}
