"""The packages of this distribution, and a check that Python imports these and no others."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_OWN_FILES = {
    "causalmer": "__main__.py",
    "causalmer_core": "basics/packages.py",
    "cluster": "connection/connect.py",
    "results": "records/layout.py",
    "sweeps": "spec/sweep_spec.py",
}
"""A file by which each package is known: a Ray job unpacks each into a folder of its own, so its place says nothing."""
PACKAGES = tuple(_OWN_FILES)


def hidden_package() -> str | None:
    """Why Python would import another package than ours, or None if it imports ours.

    PyPI has distributions with packages named `sweeps`, `cluster` and `results`, and every user has a folder `results`.
    """
    home = Path(__file__).parents[2]
    for name, own_file in _OWN_FILES.items():
        spec = importlib.util.find_spec(name)
        places = [] if spec is None else list(spec.submodule_search_locations or [])
        if not any((Path(place) / own_file).is_file() for place in places):
            found = places[0] if places else "no such package"
            return (
                f"causalmer needs its own package {name!r}; given {found}; allowed {home / name}. Likely another "
                f"distribution or a folder named {name!r} stands in the way: remove it, or install causalmer into an "
                "environment of its own"
            )
    return None
