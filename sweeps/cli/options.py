"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import write_text
from causalmer_core.datasets.store import ROOT_VARIABLE, default_root
from results.records.dataset import DEFAULT_STORAGE, find_sweep
from results.records.layout import SweepLayout
from results.storage.object_uri import is_uri
from sweeps.spec.sweep_spec import SweepSpec, load_spec

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
    return named_sweep_and_file(sweep, storage)[0]


def named_sweep_and_file(sweep: str, storage: str | None) -> tuple[SweepLayout, SweepSpec | None]:
    """The sweep that a user names, and its YAML file; None: the user does not name it by its file.

    Raises:
        UserError: there is no such sweep, or its file is wrong.
    """
    path = Path(sweep)
    if is_uri(sweep) or path.suffix not in (".yaml", ".yml") or path.is_dir():
        return find_sweep(sweep, storage or DEFAULT_STORAGE), None
    spec = load_spec(path, {} if storage is None else {"storage": storage})
    place = spec.name if is_uri(spec.storage) else str(Path(spec.storage) / spec.name)
    return find_sweep(place, spec.storage), spec


def data_root_of(given: SweepSpec | None, own: SweepSpec) -> Path:
    """The folder of the data: as the file that the user named says, else as the sweep's own copy says."""
    root = (given.data.root if given else None) or own.data.root
    return default_root() if root is None else Path(root)


Name = Annotated[str, typer.Option("--name", help="The data set's name: letters, digits, '.', '_', '-'.")]
Root = Annotated[
    Path | None,
    typer.Option("--root", help=f"Folder of data sets. Default: ${ROOT_VARIABLE}, else ./causalmer_data."),
]
Force = Annotated[bool, typer.Option("--force", help="Make a new version current; old ones stay.")]


def put_out(text: str, out: Path | None) -> bool:
    """Write a text to a file, completely or not at all, or print it.

    Args:
        text: the text.
        out: the file that `--out` names; None: standard output.

    Returns:
        Whether it was written to a file.

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
    """The error for a file that cannot be written."""
    return UserError(f"cannot write {path}: {error.strerror or error}; choose another place with --out")
