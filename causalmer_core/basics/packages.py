"""The packages of this distribution, and a check that Python imports these and no others."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PACKAGES = ("causalmer", "causalmer_core", "cluster", "results", "sweeps")
"""They lie side by side, both installed and in a checkout."""


def hidden_package(home: Path = Path(__file__).parents[2]) -> str | None:
    """Why Python would import another package than ours, or None if it imports ours.

    PyPI has distributions with packages named `sweeps`, `cluster` and `results`, and every user has a folder `results`.

    Args:
        home: the folder that holds our packages.
    """
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        places = [] if spec is None else list(spec.submodule_search_locations or [])
        if [Path(place).resolve() for place in places] != [(home / name).resolve()]:
            found = places[0] if places else "no such package"
            return (
                f"causalmer needs its own package {name!r}; given {found}; allowed {home / name}. Likely another "
                f"distribution or a folder named {name!r} stands in the way: remove it, or install causalmer into an "
                "environment of its own"
            )
    return None
