"""Checks that a sweep on a cluster reads and writes only in places that all nodes share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from causalmer_core.basics.errors import KeyPath, UserError
from results.storage.object_uri import is_uri
from sweeps.spec.problems import SpecMismatchError, dotted, shown
from sweeps.spec.sweep_spec import SweepSpec, located


def check_places(spec: SweepSpec, file: Path, overrides: Mapping[str, Any]) -> None:
    """Check that the storage is an absolute path or an address, and the folder of data sets an absolute path.

    Args:
        spec: the sweep.
        file: its file, for the lines in errors.
        overrides: values that were given on the command line, by dotted path.

    Raises:
        UserError: one of them is not.
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
    """Whether all nodes can share a place."""
    # records can be on an object store, data sets cannot
    if place is None:
        return False
    return PurePosixPath(place).is_absolute() or (key == ("storage",) and is_uri(place))


def _words(key: KeyPath, place: str | None, option: str) -> str:
    given = "nothing" if place is None else shown(place)
    return (
        f"{dotted(key)}: a job on the cluster runs in its own folder, so a relative path is not shared; "
        f"given {given}; allowed an absolute path that all nodes share, here or by {option}"
    )
