"""`causalmer results verify`: checks a whole sweep in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.datasets.store import default_root, verify_dataset
from results.integrity.damage import Damage, find_damage
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.report.table import Column, Table
from sweeps.cli.options import StorageOption, SweepArgument, data_root_of, named_sweep_and_file
from sweeps.cli.output import Form, show
from sweeps.spec.sweep_spec import SweepSpec, load_stored_spec


def verify(
    sweep: SweepArgument,
    storage: StorageOption = None,
    data_root: Annotated[
        Path | None, typer.Option("--data-root", help="Folder of data sets, before the file's 'data.root'.")
    ] = None,
    form: Form = None,
) -> None:
    """Check every record of a sweep and its data; say what is damaged, and what 'causalmer resume' does about it.

    Nothing is written. Exit 1: something is damaged.
    """
    layout, given = named_sweep_and_file(sweep, storage)
    layout.store.pull_records()
    found = [*find_damage(layout), *_damaged_data(layout, data_root, given)]
    show(damage_table(layout, found), form)
    if found:
        raise typer.Exit(1)


def _damaged_data(layout: SweepLayout, root: Path | None, given: SweepSpec | None) -> Iterator[Damage]:
    """The damage to the version of the data set that the sweep uses."""
    manifest = read_sweep_manifest(layout)
    if root is None:
        try:
            root = data_root_of(given, load_stored_spec(layout))
        except DamagedFileError:
            root = default_root()  # the damage to the file itself is in the list already
    name, fingerprint = manifest.dataset, manifest.dataset_fingerprint
    waits = "waits, and stops if the data do not come back"
    try:
        verify_dataset(root, name, fingerprint)
    except DamagedFileError as error:
        yield Damage(Path(error.where), error.what, waits)
    except UserError as error:
        yield Damage(root / name, str(error), waits)


def damage_table(layout: SweepLayout, found: list[Damage]) -> Table:
    """The damaged files of a sweep, one a row."""
    columns = (Column("file"), Column("damage"), Column("resume", "resume_does"))
    rows = [(_below(layout, one.path), one.what, one.resume_does) for one in found]
    notes = () if rows else ("nothing is damaged",)
    return Table("damage", f"{layout.place}: {len(rows)} damaged", columns, rows, notes)


def _below(layout: SweepLayout, path: Path) -> str:
    return str(path.relative_to(layout.root)) if path.is_relative_to(layout.root) else str(path)
