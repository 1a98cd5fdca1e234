"""The read side: a sweep's tables as pandas frames, brought up to its journals first."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from causalmer_core.errors import UserError, did_you_mean
from results.compaction import build_tables, is_fresh, refresh, table_file
from results.layout import TABLES, SweepLayout
from results.manifest import Manifest, read_manifest
from results.object_uri import is_uri, parse_uri
from results.predictions_table import read_predictions
from results.storage import layout_at, sweep_layout, sweeps_at

DEFAULT_STORAGE = "causalmer_runs"
"""Where sweeps lie unless `storage:` says otherwise, under the working directory."""


@dataclass(frozen=True, slots=True)
class SweepResults:
    """A sweep as it was when opened.

    Attributes:
        layout: where it lies.
        manifest: its identity and its columns.
        epochs: one row an epoch of a run (schema: `records.epochs_schema`).
        runs: one row a run (`records.runs_schema`).
        evaluations: one row a final evaluation (`records.evaluations_schema`).
    """

    layout: SweepLayout
    manifest: Manifest
    epochs: pd.DataFrame
    runs: pd.DataFrame
    evaluations: pd.DataFrame

    def predictions(self) -> pd.DataFrame:
        """One row a sample of the test split and run of a contender (`records.predictions_schema`), read when asked."""
        return read_predictions(self.layout).frame


def open_sweep(path: Path | str | SweepLayout) -> SweepResults:
    """A sweep's results, as up to date as its journals.

    Tables that lag behind the journals are compacted first; in a folder that cannot be written they are built
    in memory instead.

    Raises:
        UserError: there is no sweep; the message lists those found nearby.
    """
    layout = path if isinstance(path, SweepLayout) else layout_at(str(path))
    layout.store.pull_records()
    if not layout.manifest.is_file():
        nearby = [layout.root, *layout.root.absolute().parents[:2]]
        raise _no_sweep(layout.place, [] if is_uri(layout.place) else nearby)
    manifest = read_manifest(layout)
    tables = _tables(layout)
    return SweepResults(layout, manifest, **{name: tables[name].to_pandas() for name in TABLES})


def find_sweep(argument: str, storage: Path | str = DEFAULT_STORAGE) -> SweepLayout:
    """The sweep that a user names: by its folder or its address, or by its name in the storage.

    Raises:
        UserError: there is no such sweep; the message lists those found nearby.
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
    """The sweeps' folders directly in `folder`, ordered by name."""
    if not folder.is_dir():
        return []
    return sorted(path.parent for path in folder.glob("[!.]*/manifest.json"))


def _tables(layout: SweepLayout) -> dict[str, pa.Table]:
    if not is_fresh(layout):
        if not os.access(layout.root, os.W_OK):
            return build_tables(layout)
        refresh(layout)
    return {name: pq.read_table(table_file(layout, name)) for name in TABLES}


def _no_sweep(given: str, places: list[Path]) -> UserError:
    found = list(dict.fromkeys(sweep for place in places for sweep in sweeps_in(place)))
    if not found:
        where = ", ".join(dict.fromkeys(str(place) for place in places))
        return UserError(
            f"no sweep {given!r}: it is no folder with a manifest.json, and there are no sweeps in {where}; "
            "start one with 'causalmer run SWEEP.yaml'"
        )
    hint = did_you_mean(Path(given).name, [sweep.name for sweep in found])
    return UserError(f"no sweep {given!r}{hint}; sweeps found: {', '.join(map(str, found))}")
