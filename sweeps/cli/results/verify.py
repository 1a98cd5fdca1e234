"""`causalmer results verify`: checks a whole sweep in one pass."""

from __future__ import annotations

from pathlib import Path

import typer

from results.integrity.damage import Damage, find_damage
from results.records.layout import SweepLayout
from results.report.table import Column, Table
from sweeps.cli.options import StorageOption, SweepArgument, named_sweep
from sweeps.cli.output import Form, show


def verify(sweep: SweepArgument, storage: StorageOption = None, form: Form = None) -> None:
    """Check every record of a sweep; say what is damaged and what 'causalmer resume' does about it.

    Nothing is written. Exit 1: something is damaged.
    """
    layout = named_sweep(sweep, storage)
    layout.store.pull_records()
    found = list(find_damage(layout))
    show(damage_table(layout, found), form)
    if found:
        raise typer.Exit(1)


def damage_table(layout: SweepLayout, found: list[Damage]) -> Table:
    """The damaged files of a sweep, one a row."""
    columns = (Column("file"), Column("damage"), Column("resume", "resume_does"))
    rows = [(_below(layout, one.path), one.what, one.resume_does) for one in found]
    notes = () if rows else ("nothing is damaged",)
    return Table("damage", f"{layout.place}: {len(rows)} damaged", columns, rows, notes)


def _below(layout: SweepLayout, path: Path) -> str:
    return str(path.relative_to(layout.root)) if path.is_relative_to(layout.root) else str(path)
