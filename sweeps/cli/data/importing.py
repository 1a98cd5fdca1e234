"""`causalmer data import`: a file of the field into the store, with the role of each array."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from causalmer_core.basics.task import TaskKind
from causalmer_core.basics.validation import checked_name
from causalmer_core.datasets.nonfinite import Nonfinite
from causalmer_core.datasets.reading.importing import ImportedData, read_data_file
from causalmer_core.datasets.reading.layouts.base import ROLES, parsed_array_roles
from causalmer_core.datasets.reading.layouts.recognise import LayoutName
from causalmer_core.datasets.store import default_root, write_dataset
from results.report.table import Cell, Column, Table, facts
from sweeps.cli.data.tables import manifest_tables
from sweeps.cli.options import Force, Name, Root
from sweeps.cli.output import Form, show


def import_data(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A pickle in MulT's or MMSA's layout, an .npz file, or a folder of .npy files; nothing in it is run.",
        ),
    ],
    name: Name,
    task: Annotated[
        TaskKind | None, typer.Option("--task", help="The form of the labels. Default: recognised from them.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option("--labels", help="Names of the emotions or classes, in the file's order: happy,sad."),
    ] = None,
    layout: Annotated[
        LayoutName | None,
        typer.Option("--layout", help="How the file is laid out. Default: recognised from it."),
    ] = None,
    roles: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="ROLE=KEY",
            help=f"Read ROLE ({', '.join(ROLES)}) from this key of the file; may be repeated. KEY none leaves ids or "
            "lengths out.",
        ),
    ] = None,
    nonfinite: Annotated[
        Nonfinite,
        typer.Option("--nonfinite", help="NaN and infinities in features: an error, or set to 0."),
    ] = "refuse",
    root: Root = None,
    force: Force = False,
    form: Form = None,
) -> None:
    """Read PATH (train/valid/test of text, audio, vision, labels) into the store, and print the role of each array."""
    checked_name(name, "data set")
    names = None if labels is None else [part.strip() for part in labels.split(",")]
    data = read_data_file(
        file, task, names, layout=layout, array_roles=parsed_array_roles(roles or []), nonfinite=nonfinite
    )
    manifest = write_dataset(
        root or default_root(),
        name,
        task=data.task,
        splits=data.splits,
        source_file=file.name,
        nonfinite=data.nonfinite,
        force=force,
    )
    arrays = _array_roles(data, "given" if layout else "recognised", "given" if task else "recognised")
    show([*arrays, *manifest_tables(manifest, root or default_root())], form)


def _array_roles(data: ImportedData, layout: str, task: str) -> list[Table]:
    """The layout, the task, and the role of every array."""
    lines = [
        ("layout", f"{data.layout} ({layout})"),
        ("task", f"{data.task.kind.value} ({task}): {', '.join(data.task.labels)}"),
    ]
    columns = (
        Column("split", once=True),
        Column("key"),
        Column("role", "roles"),
        *map(Column, ("shape", "dtype", "note")),
    )
    rows = [
        (
            row.split,
            row.key,
            Cell(row.roles, "\n".join(row.roles) or "left out"),
            row.shape,
            row.dtype,
            row.note,
        )
        for row in data.array_roles
    ]
    return [facts("file", "", lines), Table("arrays", "Arrays of the file", columns, rows, labels=2)]
