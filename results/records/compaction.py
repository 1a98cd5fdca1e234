"""Compaction: the Parquet tables, one file each, as a pure function of the journals.

Each compaction builds every table anew and replaces the old file. A kill at any moment keeps either the old table or
the new one, and no row is ever doubled.

The checksums of the files are written last, to `.tables.json`. Tables that do not match them are stale, whatever the
reason: a kill in between, damage, or an older version, which wrote no checksums. Stale tables are built anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from causalmer_core.basics.digests import DamagedFileError, digested, open_digested
from causalmer_core.basics.files import remove_stale_asides, write_text, written_aside
from results.records.histories import RunHistory, each_run, parameter_value
from results.records.layout import TABLES, SweepLayout
from results.records.manifest import SweepManifest, read_sweep_manifest
from results.records.run_journal import run_journal_files
from results.records.schemas import (
    SCHEMA_VERSION,
    check_schema_version,
    epochs_schema,
    evaluation_ablation,
    evaluations_schema,
    runs_schema,
    schema_version,
)
from results.records.seals import read_sealed
from results.storage.checked_parquet import CheckedParquet, byte_ranges, parquet_writer
from results.storage.locks import exclusive_lock

ROW_GROUP_ROWS = 100_000
"""Rows per row group. At 10^7 rows one run's curve is read in milliseconds, and a whole table in under a second
(`benchmarks/records_scale.py`).
"""

EVALUATION_KEY = ("contender", "split", "present", "prediction", "ablation", "rate")
"""The columns that distinguish the evaluations of one run."""

_SMALL_TABLES = ("runs", "evaluations")
"""The tables that are checked whole when they are opened. Of the epochs only the footer is."""

_REMEDY = "'causalmer results compact SWEEP' builds it anew from the journals"
"""The remedy for a damaged table."""

_SOURCE = b"causalmer_journals"


def compact(layout: SweepLayout, *, reconcile: bool | None = None) -> dict[str, int]:
    """Write the Parquet tables anew from the journals. Any process may call it at any time, and it may be killed.

    Equal journals give equal bytes, on one version of pyarrow.

    Args:
        layout: the sweep's folder.
        reconcile: whether the driver is gone; runs without an end line are then `lost`. None: the sweep's lock
            decides.

    Returns:
        The number of rows of each table.

    Raises:
        UserError: the folder is no sweep, or a newer program wrote its tables.
        OSError: the tables cannot be written.
        StoreError: the tables are written here, but not in the store.
    """
    tables = refresh(layout, reconcile=reconcile)
    for path in (*(table_file(layout, name) for name in TABLES), layout.table_checksums):
        layout.store.push(path)
    return {name: table.metadata.num_rows for name, table in tables.items()}


def refresh(layout: SweepLayout, *, reconcile: bool | None = None) -> dict[str, CheckedParquet]:
    """As `compact`, but only in the local folder: reading a sweep writes nothing to an object store.

    It needs memory for `ROW_GROUP_ROWS` rows, whatever the size of the sweep.

    Returns:
        The new tables, open.
    """
    with exclusive_lock(layout.compaction_lock):
        for name in TABLES:
            remove_stale_asides(layout.table(name))
        remove_stale_asides(layout.root, layout.table_checksums.name)
        source = _write_tables(layout, reconcile)
        found = {
            "schema_version": SCHEMA_VERSION,
            "journals": source,
            "tables": {name: byte_ranges(table_file(layout, name)) for name in TABLES},
        }
        write_text(layout.table_checksums, digested(found))
        return _opened(layout, found)


def _write_tables(layout: SweepLayout, reconcile: bool | None) -> str:
    """Write and publish every table. Returns the digest of the journals that they were built from."""
    with ExitStack() as stack:
        chunks = _chunks(layout, reconcile=reconcile)
        first = next(chunks)
        writers = {}
        # The block entered last is published first: the epochs table before the runs table that refers to it.
        for name in reversed(TABLES):
            temporary = stack.enter_context(written_aside(table_file(layout, name)))
            writers[name] = stack.enter_context(parquet_writer(temporary, first[name].schema))
        for chunk in chain([first], chunks):
            for name, table in chunk.items():
                if table.num_rows or chunk is first:
                    # A chunk is slightly larger than `ROW_GROUP_ROWS`; the doubled size keeps it in one row group.
                    writers[name].write_table(table, row_group_size=2 * ROW_GROUP_ROWS)
    digest: bytes = first[TABLES[0]].schema.metadata[_SOURCE]
    return digest.decode()


def table_file(layout: SweepLayout, name: str) -> Path:
    """The one Parquet file of a table."""
    return layout.table(name) / f"{name}.parquet"


def build_tables(layout: SweepLayout, *, reconcile: bool | None = None) -> dict[str, pa.Table]:
    """The tables `epochs`, `runs` and `evaluations`, built in memory from the journals. Nothing is written.

    Args:
        layout: the sweep's folder.
        reconcile: as in `compact`.

    Raises:
        UserError: the folder is no sweep, or a newer program wrote its tables.
        ValueError: a journal has a value that its column cannot hold; the message names the column.
    """
    chunks = list(_chunks(layout, reconcile=reconcile))
    return {name: pa.concat_tables([chunk[name] for chunk in chunks]) for name in TABLES}


def _chunks(layout: SweepLayout, *, reconcile: bool | None) -> Iterator[dict[str, pa.Table]]:
    """The tables in at least one piece of about `ROW_GROUP_ROWS` epochs; the first piece has all evaluations."""
    _check_not_newer(layout)
    manifest = read_sweep_manifest(layout)
    gone = not layout.is_driven if reconcile is None else reconcile
    # The digest is computed before reading. Rows that arrive meanwhile make the tables look stale, never too fresh.
    source = {_SOURCE: journals_digest(layout, gone)}
    runs = runs_schema(manifest.parameter_columns, manifest.valid_metrics)
    epochs = epochs_schema(manifest.valid_metrics)
    tests = evaluations_schema(manifest.test_metrics)
    evaluations = _evaluation_rows(read_sealed(layout, layout.evaluation_journal), manifest)
    for histories in _batches(each_run(layout, reconcile=gone)):
        yield {
            "epochs": _table(_epoch_rows(histories, manifest), epochs, source),
            "runs": _table([_run_row(history, manifest) for history in histories], runs, source),
            "evaluations": _table(evaluations, tests, source),
        }
        evaluations = []


def _batches(histories: Iterable[RunHistory]) -> Iterator[list[RunHistory]]:
    batch: list[RunHistory] = []
    rows = 0
    for history in histories:
        batch.append(history)
        rows += len(history.epochs)
        if rows >= ROW_GROUP_ROWS:
            yield batch
            batch, rows = [], 0
    yield batch  # also an empty one, so that there is at least one batch


def journals_digest(layout: SweepLayout, driver_gone: bool) -> bytes:
    """A digest of the journals' names and lengths. Equal digests mean equal tables, because journals only grow."""
    digest = hashlib.sha256(f"{SCHEMA_VERSION} {driver_gone}\n".encode())
    for path in (*run_journal_files(layout), layout.evaluation_journal):
        if path.exists():
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest().encode()


def stored_tables(layout: SweepLayout, *, reconcile: bool | None = None) -> dict[str, CheckedParquet] | None:
    """The tables, open, if they were built from the journals as they are now. None if they are stale or damaged.

    Args:
        layout: the sweep's folder.
        reconcile: as in `compact`.

    Raises:
        OSError: a table cannot be read.
    """
    found = _checksums(layout)
    if found is None or not _are_current(layout, found, reconcile):
        return None
    try:
        return _opened(layout, found)
    except DamagedFileError:
        return None


def table_damages(layout: SweepLayout, *, reconcile: bool | None = None) -> list[DamagedFileError]:
    """The damages of the tables' files and of their checksums. Every byte is read; nothing is written.

    Tables that are out of date have none, because they are built anew before they are used.

    Args:
        layout: the sweep's folder.
        reconcile: as in `compact`.

    Raises:
        OSError: a file cannot be read.
    """
    try:
        found = _read_checksums(layout)
    except DamagedFileError as error:
        return [error]
    if found is None or not _are_current(layout, found, reconcile):
        return []
    damages = []
    for name in TABLES:
        try:
            CheckedParquet(table_file(layout, name), found["tables"][name], _REMEDY).check()
        except DamagedFileError as error:
            damages.append(error)
    return damages


def _are_current(layout: SweepLayout, checksums: Mapping[str, Any], reconcile: bool | None) -> bool:
    """Whether the tables were built from the journals as they are now."""
    gone = not layout.is_driven if reconcile is None else reconcile
    return bool(checksums.get("journals") == journals_digest(layout, gone).decode())


def _opened(layout: SweepLayout, checksums: Mapping[str, Any]) -> dict[str, CheckedParquet]:
    ranges = checksums["tables"]
    tables = {name: CheckedParquet(table_file(layout, name), ranges[name], _REMEDY) for name in TABLES}
    for name in _SMALL_TABLES:
        tables[name].check()
    return tables


def _checksums(layout: SweepLayout) -> dict[str, Any] | None:
    """As `_read_checksums`, and None also if the file is damaged."""
    try:
        return _read_checksums(layout)
    except DamagedFileError:
        return None


def _read_checksums(layout: SweepLayout) -> dict[str, Any] | None:
    """The content of `.tables.json`. None if there is none, as in older versions."""
    path = layout.table_checksums
    return open_digested(path.read_bytes(), path, remedy=_REMEDY) if path.exists() else None


def _check_not_newer(layout: SweepLayout) -> None:
    """Check that no newer program wrote the tables, which this one would replace with fewer columns."""
    found = _checksums(layout)
    if found is not None:
        check_schema_version(found.get("schema_version"), layout.table_checksums)
        return
    for path in (table_file(layout, name) for name in TABLES):
        try:
            version = schema_version(pq.read_schema(path))
        except (FileNotFoundError, pa.ArrowException, OSError, ValueError):
            continue  # missing or damaged, so it has no version, and is built anew
        check_schema_version(version, path)


def _epoch_rows(histories: Iterable[RunHistory], manifest: SweepManifest) -> list[dict[str, Any]]:
    return [
        {**row, **_key(history, manifest), "attempt": row["attempt"], "phase": history.phase}
        for history in histories
        for row in history.epochs
    ]


def _run_row(history: RunHistory, manifest: SweepManifest) -> dict[str, Any]:
    best = history.best_row or {}
    return {
        **_key(history, manifest),
        "attempt": history.attempts,
        "phase": history.phase,
        "role": history.role,
        "number": history.number,
        "state": history.state.value,
        "reason": history.reason,
        "epochs": len(history.epochs),
        "best_epoch": history.best_epoch,
        "score": history.score,
        "parameters": history.parameters,
        "seconds": history.seconds,
        "started": history.started,
        "host": history.host,
        "device": history.device,
        "notes": history.notes,
        "config_json": json.dumps(history.config, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        "reused_from": history.reused_from,
        "gpus": history.gpus,
        "peak_bytes": history.peak_bytes,
        **history.software,
        **{path: parameter_value(history, path) for path in manifest.parameters},
        **{column: best.get(column) for column in manifest.valid_metrics},
    }


def _evaluation_rows(lines: Iterable[Mapping[str, Any]], manifest: SweepManifest) -> list[dict[str, Any]]:
    """The evaluations, ordered by their key. The last line counts if an evaluation was repeated after a crash."""
    latest: dict[tuple[str, ...], dict[str, Any]] = {}
    for line in lines:
        if line["kind"] == "evaluation":
            seed = line.get("seed")
            # A baseline has neither a configuration nor a seed, and comes first.
            order = (line.get("config_id") or "", "" if seed is None else f"{seed:020d}")
            row = {**line, "ablation": evaluation_ablation(line), "sweep_id": manifest.sweep_id}
            row["schema_version"] = SCHEMA_VERSION
            rest = tuple(str(row.get(name)) for name in EVALUATION_KEY)
            latest[order + rest] = row
    return [latest[key] for key in sorted(latest)]


def _key(history: RunHistory, manifest: SweepManifest) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "sweep_id": manifest.sweep_id,
        "config_id": history.key.config_id,
        "seed": history.key.seed,
    }


def _table(rows: list[dict[str, Any]], schema: pa.Schema, source: Mapping[bytes, bytes]) -> pa.Table:
    """The rows under an explicit schema. Values without a column are dropped; absent values are null."""
    columns = [_column([row.get(field.name) for row in rows], field) for field in schema]
    table = pa.Table.from_arrays(columns, schema=schema)
    return table.replace_schema_metadata({**schema.metadata, **source})


def _column(values: list[Any], field: pa.Field) -> pa.Array:
    if pa.types.is_timestamp(field.type):
        values = [
            None if value is None else datetime.fromisoformat(value).astimezone(UTC) for value in values
        ]
    try:
        return pa.array(values, type=field.type, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(
            f"column {field.name!r} of type {field.type} cannot hold a value of a journal: {error}"
        ) from error
