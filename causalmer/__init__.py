"""The public face: all that users may import from Python. Every other module is internal and may change.

| name | what it is |
|---|---|
| `open_sweep` | opens the records of a sweep: tables, manifest, selection (`results.records.dataset`) |
| `Backbone`, `BackboneOutput`, `InputShape` | the contract of a backbone (`causalmer_core.backbones.base`) |
| `BackboneConfig` | its configuration (`causalmer_core.config.backbone_config`) |
| `Batch`, `MODALITIES` | its input (`causalmer_core.basics.modality`) |

Names are imported when they are first used, so that `import causalmer` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from causalmer_core.basics.packages import hidden_package

if TYPE_CHECKING:
    from causalmer_core.backbones.base import Backbone, BackboneOutput, InputShape
    from causalmer_core.basics.modality import MODALITIES, Batch
    from causalmer_core.config.backbone_config import BackboneConfig
    from results.records.dataset import open_sweep

__all__ = ["MODALITIES", "Backbone", "BackboneConfig", "BackboneOutput", "Batch", "InputShape", "open_sweep"]

_HOMES = {
    **dict.fromkeys(("Backbone", "BackboneOutput", "InputShape"), "causalmer_core.backbones.base"),
    **dict.fromkeys(("MODALITIES", "Batch"), "causalmer_core.basics.modality"),
    "BackboneConfig": "causalmer_core.config.backbone_config",
    "open_sweep": "results.records.dataset",
}


def __getattr__(name: str) -> Any:
    """A public name, imported from where it is defined.

    Raises:
        ImportError: another distribution's packages stand in the way of ours.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    if (hidden := hidden_package()) is not None:
        raise ImportError(hidden)
    # Kept, so that Python finds it the next time without asking here.
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found
