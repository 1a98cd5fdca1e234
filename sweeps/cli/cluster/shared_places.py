"""Where a sweep that runs elsewhere reads and writes: places that its nodes share, not ones beside its file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from causalmer_core.basics.errors import KeyPath, UserError
from results.storage.object_uri import is_uri
from sweeps.spec.problems import SpecMismatchError, dotted, shown
from sweeps.spec.sweep_spec import SweepSpec, located


def check_places(spec: SweepSpec, file: Path, overrides: Mapping[str, Any]) -> None:
    """See that the storage and the store of data sets are named by absolute paths, or the storage by an address.

    Raises:
        UserError: they are not.
    """
    places: dict[KeyPath, tuple[str | None, str]] = {
        ("storage",): (spec.storage, "--storage"),
        ("data", "root"): (spec.data.root, "--data-root"),
    }
    errors = [
        located(SpecMismatchError(key, _words(key, place, option)), file, overrides)
        for key, (place, option) in places.items()
        if not _is_shared(key, place)
    ]
    if errors:
        raise UserError("\n".join(map(str, errors)))


def _is_shared(key: KeyPath, place: str | None) -> bool:
    """Records may go to an object store; data sets are read from files."""
    if place is None:
        return False
    return PurePosixPath(place).is_absolute() or (key == ("storage",) and is_uri(place))


def _words(key: KeyPath, place: str | None, option: str) -> str:
    given = "nothing" if place is None else shown(place)
    return (
        f"{dotted(key)}: on the cluster the sweep runs in a folder of its own, and this place would be in it; "
        f"given {given}; allowed an absolute path that all nodes share, here or by {option}"
    )
