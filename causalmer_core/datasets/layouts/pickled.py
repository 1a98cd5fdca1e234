"""Opening a pickle of splits: a dict of `train`, `valid` (or `dev`, `val`) and `test`, each a dict of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from causalmer_core.datasets.layouts.base import SPLIT_NAMES, SPLITS, Contents, listed
from causalmer_core.datasets.unpickle import load_plain
from causalmer_core.errors import UserError


def open_pickle(path: Path) -> Contents:
    """The splits of a pickle; nothing in it is run, and large arrays stay in the file.

    Raises:
        UserError: it is no pickle of plain data, or holds no such splits.
    """
    data = load_plain(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: found {type(data).__name__}; allowed: a dict of {', '.join(SPLITS)}")
    splits: dict[str, Mapping[str, object]] = {}
    used = set()
    for name in SPLITS:
        key = next((k for k in SPLIT_NAMES[name] if k in data), None)
        if key is None:
            raise UserError(
                f"{path}: split {name!r} is missing; found: {listed(data)}; needed: {', '.join(SPLITS)}, each a dict "
                "of arrays"
            )
        if not isinstance(data[key], dict):
            raise UserError(f"{path}: {key}: found {type(data[key]).__name__}; allowed: a dict of arrays")
        splits[name] = {str(k): value for k, value in data[key].items()}
        used.add(key)
    return Contents(path, splits, tuple(str(key) for key in data if key not in used))
