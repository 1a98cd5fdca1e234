"""The identity of a configuration: all that affects the outcome of its runs, no more.

The digest covers the values that differ from their defaults, and the names of the chosen variants. A later version may
add an option whose default keeps the old behaviour: every earlier configuration keeps its identity. Defaults are
therefore never changed; a test pins them.

No test pins the defaults of other packages. The digest covers every option of a backbone that another package adds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from causalmer_core.basics.validation import Frozen
from causalmer_core.config.backbone_config import BUILT_IN, BackboneConfig
from causalmer_core.config.run_config import AlbertBranchConfig, Debiasing, RunConfig

_COUNTERFACTUAL_ONLY = (
    "model.initial_constant",
    "model.constants",
    "model.debiasing_weights",
    "loss.beta",
    "loss.kl_axis",
    "optimiser.learning_rates.constants",
)
_FUSION_ONLY = ("model.fusion", "model.fusion_form")
_BRANCHES_ONLY = (
    "model.text_branch",
    "model.audio_branch",
    "model.vision_branch",
    "loss.alpha",
    "optimiser.learning_rates.text",
    "optimiser.learning_rates.audio",
    "optimiser.learning_rates.vision",
)
WITHOUT_EFFECT: Mapping[Debiasing, tuple[str, ...]] = {
    "counterfactual": (),
    "late_fusion": _COUNTERFACTUAL_ONLY,
    "rubi": _COUNTERFACTUAL_ONLY + _FUSION_ONLY,
    "learned_mixin": _COUNTERFACTUAL_ONLY + _FUSION_ONLY,
    "none": _COUNTERFACTUAL_ONLY + _FUSION_ONLY + _BRANCHES_ONLY,
}
"""By `model.debiasing`, the paths that do not affect the outcome of a run; its identity leaves them out."""


_SIZES_OF_FRESH_ALBERT = tuple(
    f"model.text_branch.{name}"
    for name in AlbertBranchConfig.model_fields
    if name not in ("name", "path", "weights_sha256", "frozen")
)


def without_effect(config: RunConfig) -> tuple[str, ...]:
    """The paths that do not affect the outcome of a run of this configuration."""
    paths = WITHOUT_EFFECT[config.model.debiasing]
    branch = config.model.text_branch
    if isinstance(branch, AlbertBranchConfig) and "model.text_branch" not in paths:
        # The digest of the weights names a pretrained ALBERT, wherever its files lie. The weights fix its sizes.
        located = ("model.text_branch.path",) if branch.weights_sha256 else ()
        paths += located + (_SIZES_OF_FRESH_ALBERT if branch.path else ())
    return paths


def identity(config: RunConfig) -> dict[str, Any]:
    """All values that affect the outcome of a run of this configuration, and no others."""
    return _without(config.model_dump(mode="json"), without_effect(config))


def config_id(config: RunConfig) -> str:
    """The configuration's name: the first 16 hexadecimal digits of the SHA-256 of its identity as canonical JSON.

    The identity holds the values that differ from their defaults, the names of variants, and every option of a backbone
    that another package adds (see the module).
    """
    tree = _not_empty(_without(_distinct(config), without_effect(config)))
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _distinct(config: Frozen) -> dict[str, Any]:
    """The values that differ from their defaults, and the names of variants, nested as in the configuration."""
    found: dict[str, Any] = {}
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if isinstance(value, BackboneConfig) and type(value) not in BUILT_IN.values():
            # in a list, because empty mappings in the options of another package are values too
            found[name] = [value.model_dump(mode="json")]
        elif isinstance(value, Frozen):
            found[name] = _distinct(value)
        elif name == "name" or value != field.default:
            found[name] = value
    return found


def _without(tree: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    for path in paths:
        *parents, last = path.split(".")
        node: Any = tree
        for key in parents:
            node = node.get(key, {})
        node.pop(last, None)
    return tree


def _not_empty(tree: dict[str, Any]) -> dict[str, Any]:
    below = {key: _not_empty(value) if isinstance(value, dict) else value for key, value in tree.items()}
    return {key: value for key, value in below.items() if value != {}}
