"""Records of sweeps: their store, their statistics, and what is made of them.

`results.open_sweep("causalmer_runs/my-sweep")` is the way in for whoever analyses them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from results.dataset import open_sweep as open_sweep

__all__ = ["open_sweep"]


def __getattr__(name: str) -> Any:
    """`open_sweep`, imported when it is asked for: whoever trains needs none of what it reads tables with."""
    if name != "open_sweep":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from results.dataset import open_sweep

    return open_sweep
