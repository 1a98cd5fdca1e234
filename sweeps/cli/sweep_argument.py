"""How a command is told which sweep it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from results.dataset import DEFAULT_STORAGE, find_sweep
from results.layout import SweepLayout
from results.object_uri import is_uri
from sweeps.spec import load_spec

HELP = "A sweep's YAML file, its folder or address, or its name in the storage."
SweepArgument = Annotated[str, typer.Argument(metavar="SWEEP", help=HELP)]
OptionalSweep = Annotated[str | None, typer.Argument(metavar="SWEEP", help=HELP)]
StorageOption = Annotated[
    str | None,
    typer.Option("--storage", help=f"Where sweeps lie; default: the file's, or {DEFAULT_STORAGE}."),
]


def named_sweep(sweep: str, storage: str | None) -> SweepLayout:
    """The sweep that a user names: by its YAML file, its folder or address, or its name in the storage.

    Raises:
        UserError: there is no such sweep, or its file is wrong.
    """
    path = Path(sweep)
    if is_uri(sweep) or path.suffix not in (".yaml", ".yml") or path.is_dir():
        return find_sweep(sweep, storage or DEFAULT_STORAGE)
    spec = load_spec(path, {} if storage is None else {"storage": storage})
    if is_uri(spec.storage):
        return find_sweep(spec.name, spec.storage)
    return find_sweep(str(Path(spec.storage) / spec.name), spec.storage)
