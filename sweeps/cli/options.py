"""How a command is told which sweep it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_text
from causalmer_core.datasets.store import ROOT_VARIABLE
from results.records.dataset import DEFAULT_STORAGE, find_sweep
from results.records.layout import SweepLayout
from results.storage.object_uri import is_uri
from sweeps.spec.sweep_spec import load_spec

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


# FOLDED Options that the commands below `causalmer data` share.
Name = Annotated[str, typer.Option("--name", help="The data set's name: letters, digits, '.', '_', '-'.")]
Root = Annotated[
    Path | None,
    typer.Option("--root", help=f"Folder of data sets. Default: ${ROOT_VARIABLE}, else ./causalmer_data."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a data set of this name.")]


# FOLDED Where a command puts a text: the file that `--out` names, or standard output.
def put_out(text: str, out: Path | None) -> bool:
    """Write a text to a file, whole or not at all, or print it; whether it was a file.

    Raises:
        UserError: the file cannot be written.
    """
    if out is None:
        print(text, end="")
        return False
    try:
        write_text(out, text)
    except OSError as error:
        raise unwritable(out, error) from error
    return True


def unwritable(path: Path, error: OSError) -> UserError:
    """The error for a file that `--out` named, or could."""
    return UserError(f"cannot write {path}: {error.strerror or error}; choose another place with --out")
