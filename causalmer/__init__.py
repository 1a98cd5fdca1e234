"""The public face: all that users may import from Python. Every other module is internal and may change.

| name | what it is |
|---|---|
| `open_sweep` | opens the records of a sweep: tables, manifest, selection (`results.records.dataset`) |

Names are imported when they are first used, so that `import causalmer` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from causalmer_core.basics.packages import hidden_package

if TYPE_CHECKING:
    from results.records.dataset import open_sweep

__all__ = ["open_sweep"]

_HOMES = {"open_sweep": "results.records.dataset"}


def __getattr__(name: str) -> Any:
    """A public name, imported from where it is defined.

    Raises:
        ImportError: another distribution's packages stand in the way of ours.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    if (hidden := hidden_package()) is not None:
        raise ImportError(hidden)
    return getattr(import_module(_HOMES[name]), name)
