"""Reading a sweep: its tables as pandas frames, up to date with its journals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from causalmer_core.basics.errors import UserError, did_you_mean
from results.records.compaction import build_tables, refresh, stored_tables
from results.records.layout import SweepLayout
from results.records.locate import layout_at, sweep_layout, sweeps_at
from results.records.manifest import SweepManifest, read_sweep_manifest
from results.records.predictions_table import read_predictions
from results.storage.checked_parquet import CheckedParquet
from results.storage.object_uri import is_uri, parse_uri

DEFAULT_STORAGE = "causalmer_runs"
"""The default folder of sweeps, below the working directory; `storage:` sets another one."""


class SweepResults:
    """A sweep as it was when opened. A table is read at its first use, from the files that existed at opening.

    Every byte is checked before it is used. Reading a damaged table or file of predictions raises `DamagedFileError`.

    Attributes:
        layout: the paths of the sweep.
        manifest: its identity and its columns.
    """

    def __init__(self, layout: SweepLayout, manifest: SweepManifest, tables: Mapping[str, _Table]) -> None:
        self.layout = layout
        self.manifest = manifest
        self._tables = tables

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row per epoch of a run (schema: `records.schemas.epochs_schema`)."""
        return _frame(self._tables["epochs"].read())

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run (schema: `records.schemas.runs_schema`)."""
        return _frame(self._tables["runs"].read())

    @cached_property
    def evaluations(self) -> pd.DataFrame:
        """One row per final evaluation (schema: `records.schemas.evaluations_schema`)."""
        return _frame(self._tables["evaluations"].read())

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per test sample and run of a contender (schema: `records.schemas.predictions_schema`)."""
        return read_predictions(self.layout).frame

    def curve(self, config_id: str, seed: int) -> pd.DataFrame:
        """The epochs of one run, in order. Row groups without the run are not read."""
        return _frame(self._tables["epochs"].of_run(config_id, seed))


class _Table(Protocol):
    def read(self) -> pa.Table:
        """All rows."""
        ...

    def of_run(self, config_id: str, seed: int) -> pa.Table:
        """The rows of one run."""
        ...


class _Built:
    """A table in memory."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def read(self) -> pa.Table:
        return self._table

    def of_run(self, config_id: str, seed: int) -> pa.Table:
        return _of_run(self._table, config_id, seed)


class _Stored:
    """A table in a file that is held open, so that a later compaction does not change it."""

    def __init__(self, file: CheckedParquet) -> None:
        self._file = file

    def read(self) -> pa.Table:
        return self._file.read()

    def of_run(self, config_id: str, seed: int) -> pa.Table:
        metadata = self._file.metadata
        column = metadata.schema.to_arrow_schema().get_field_index("config_id")
        wanted = []
        for group in range(metadata.num_row_groups):
            found = metadata.row_group(group).column(column).statistics
            if found is None or found.min <= config_id <= found.max:
                wanted.append(group)
        return _of_run(self._file.read(wanted), config_id, seed)


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _of_run(table: pa.Table, config_id: str, seed: int) -> pa.Table:
    return table.filter((pc.field("config_id") == config_id) & (pc.field("seed") == seed))


def open_sweep(path: Path | str | SweepLayout) -> SweepResults:
    """A sweep's results, up to date with its journals.

    Stale and damaged tables are compacted first. If the folder cannot be written, the tables are built in memory
    instead. The epochs are checked when they are read, because they can be large.

    Args:
        path: the sweep's folder, its address on an object store, or its layout.

    Raises:
        UserError: there is no sweep (the message lists the sweeps found nearby), or a newer program wrote its tables.
        StoreError: the object store does not answer.
    """
    layout = path if isinstance(path, SweepLayout) else layout_at(str(path))
    layout.store.pull_records()
    if not layout.manifest.is_file():
        nearby = [layout.root, *layout.root.absolute().parents[:2]]
        raise _no_sweep(layout.place, [] if is_uri(layout.place) else nearby)
    manifest = read_sweep_manifest(layout)
    return SweepResults(layout, manifest, _tables(layout))


def find_sweep(argument: str, storage: Path | str = DEFAULT_STORAGE) -> SweepLayout:
    """The sweep that a user names.

    Args:
        argument: its folder, its address on an object store, or its name in the storage.
        storage: the folder or the address of sweeps.

    Raises:
        UserError: there is no such sweep; the message lists the sweeps found nearby.
        StoreError: the object store does not answer.
    """
    if is_uri(argument) or is_uri(str(storage)):
        return _find_on_store(argument, str(storage))
    folder = Path(argument)
    candidates = [folder]
    if folder.name == argument:
        candidates.append(Path(storage) / argument)
    for candidate in candidates:
        if (candidate / "manifest.json").is_file():
            return SweepLayout(candidate)
    raise _no_sweep(argument, [Path(storage), folder, *folder.absolute().parents[:2]])


def _find_on_store(argument: str, storage: str) -> SweepLayout:
    layout = layout_at(argument) if is_uri(argument) else sweep_layout(storage, argument)
    if layout.root.exists():
        layout.store.pull_records()
        return layout
    uri = parse_uri(layout.place)
    names = sweeps_at(uri.parent)
    found = ", ".join(names) if names else "none"
    raise UserError(
        f"no sweep at {layout.place}{did_you_mean(uri.name, names)}; sweeps in {uri.parent}: {found}"
    )


def sweeps_in(folder: Path) -> list[Path]:
    """The folders of the sweeps directly in `folder`, ordered by name."""
    if not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob("[!.]*/manifest.json"))


def _tables(layout: SweepLayout) -> dict[str, _Table]:
    stored = stored_tables(layout)
    if stored is None:
        if not os.access(layout.root, os.W_OK):
            return {name: _Built(table) for name, table in build_tables(layout).items()}
        stored = refresh(layout)
    return {name: _Stored(table) for name, table in stored.items()}


def _no_sweep(given: str, places: list[Path]) -> UserError:
    found = list(dict.fromkeys(sweep for place in places for sweep in sweeps_in(place)))
    if not found:
        where = ", ".join(dict.fromkeys(str(place) for place in places))
        return UserError(
            f"no sweep {given!r}: not a folder with a manifest.json, and no sweeps were found in {where}; "
            "start one with 'causalmer run SWEEP.yaml'"
        )
    hint = did_you_mean(Path(given).name, [sweep.name for sweep in found])
    return UserError(f"no sweep {given!r}{hint}; sweeps found: {', '.join(map(str, found))}")
