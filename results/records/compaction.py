"""From journals to Parquet: one file a table, a pure function of the journals.

Nothing is ever added to a table: each compaction builds it anew and puts it in the place of the old one, so
that a kill anywhere leaves the old table or the new one, and a row is never doubled.
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

from causalmer_core.basics.files import remove_stale_asides, written_aside
from results.records.histories import RunHistory, each_run, parameter_value, run_journal_files
from results.records.journal import read_journal
from results.records.layout import TABLES, SweepLayout
from results.records.manifest import SweepManifest, read_sweep_manifest
from results.records.schemas import (
    SCHEMA_VERSION,
    epochs_schema,
    evaluation_ablation,
    evaluations_schema,
    runs_schema,
)
from results.storage.locks import exclusive_lock

ROW_GROUP_ROWS = 100_000
"""Rows a row group: one run's curve is then read in milliseconds, a whole table in under a second at 10^7
rows (`benchmarks/records_scale.py`).
"""

EVALUATION_KEY = ("contender", "split", "present", "prediction", "ablation", "rate")
"""What tells the evaluations of one run apart."""

_SOURCE = b"causalmer_journals"


def compact(layout: SweepLayout, *, reconcile: bool | None = None) -> None:
    """Bring the Parquet tables up to the journals. Safe to call at any time, from any process, and to kill.

    Equal journals give equal bytes, on one version of pyarrow.

    Args:
        layout: the sweep's folder.
        reconcile: whether the driver is gone, which makes unended runs `lost`; none: look at the sweep's
            lock.

    Raises:
        UserError: the folder is no sweep.
        OSError: the tables cannot be written.
    """
    refresh(layout, reconcile=reconcile)
    for name in TABLES:
        layout.store.push(table_file(layout, name))


def refresh(layout: SweepLayout, *, reconcile: bool | None = None) -> None:
    """As `compact`, in the folder here alone: who only reads a sweep writes nothing to an object store.

    It takes memory for `ROW_GROUP_ROWS` rows, however many the sweep has.
    """
    with exclusive_lock(layout.compaction_lock), ExitStack() as stack:
        for name in TABLES:
            remove_stale_asides(layout.table(name))
        chunks = _chunks(layout, reconcile=reconcile)
        first = next(chunks)
        writers = {}
        # What is entered last is published first: epochs before the runs that they are of.
        for name in reversed(TABLES):
            temporary = stack.enter_context(written_aside(table_file(layout, name)))
            schema = first[name].schema
            writers[name] = stack.enter_context(pq.ParquetWriter(temporary, schema, compression="zstd"))
        for chunk in chain([first], chunks):
            for name, table in chunk.items():
                if table.num_rows or chunk is first:
                    # A chunk is a little larger than a row group, and becomes one.
                    writers[name].write_table(table, row_group_size=2 * ROW_GROUP_ROWS)


def table_file(layout: SweepLayout, name: str) -> Path:
    """The one Parquet file of a table."""
    return layout.table(name) / f"{name}.parquet"


def row_count(path: Path) -> int:
    """How many rows a table's file has, from its footer."""
    return int(pq.read_metadata(path).num_rows)


def build_tables(layout: SweepLayout, *, reconcile: bool | None = None) -> dict[str, pa.Table]:
    """The tables `epochs`, `runs` and `evaluations` from the journals, in memory; writes nothing.

    Raises:
        UserError: the folder is no sweep.
        ValueError: a journal has a value that its column cannot hold; the message names the column.
    """
    chunks = list(_chunks(layout, reconcile=reconcile))
    return {name: pa.concat_tables([chunk[name] for chunk in chunks]) for name in TABLES}


def _chunks(layout: SweepLayout, *, reconcile: bool | None) -> Iterator[dict[str, pa.Table]]:
    """The tables in pieces of about `ROW_GROUP_ROWS` epochs; at least one, the evaluations all in the first."""
    manifest = read_sweep_manifest(layout)
    gone = not layout.is_driven if reconcile is None else reconcile
    # Taken before reading: rows that arrive meanwhile make the tables look stale, never fresher than they
    # are.
    source = {_SOURCE: journals_digest(layout, gone)}
    runs = runs_schema(manifest.parameter_columns, manifest.valid_metrics)
    epochs = epochs_schema(manifest.valid_metrics)
    tests = evaluations_schema(manifest.test_metrics)
    evaluations = _evaluation_rows(read_journal(layout.evaluation_journal), manifest)
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
    yield batch  # also an empty one: there is at least one


def journals_digest(layout: SweepLayout, driver_gone: bool) -> bytes:
    """What the tables are a function of: the journals' names and lengths, for they only ever grow."""
    digest = hashlib.sha256(f"{SCHEMA_VERSION} {driver_gone}\n".encode())
    for path in (*run_journal_files(layout), layout.evaluation_journal):
        if path.exists():
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest().encode()


def is_fresh(layout: SweepLayout, *, reconcile: bool | None = None) -> bool:
    """Whether all tables stand and say what the journals say."""
    gone = not layout.is_driven if reconcile is None else reconcile
    source = journals_digest(layout, gone)
    for name in TABLES:
        path = table_file(layout, name)
        if not path.exists() or (pq.read_schema(path).metadata or {}).get(_SOURCE) != source:
            return False
    return True


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
        "config_json": _canonical_json(history.config),
        "reused_from": history.reused_from,
        "gpus": history.gpus,
        "peak_bytes": history.peak_bytes,
        **history.software,
        **{path: parameter_value(history, path) for path in manifest.parameters},
        **{column: best.get(column) for column in manifest.valid_metrics},
    }


def _evaluation_rows(lines: Iterable[Mapping[str, Any]], manifest: SweepManifest) -> list[dict[str, Any]]:
    """The evaluations, ordered by their key; of one that was repeated after a crash, the last line counts."""
    latest: dict[tuple[str, ...], dict[str, Any]] = {}
    for line in lines:
        if line["kind"] == "evaluation":
            seed = line.get("seed")
            # A baseline has neither configuration nor seed; it comes first.
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


def _canonical_json(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _table(rows: list[dict[str, Any]], schema: pa.Schema, source: Mapping[bytes, bytes]) -> pa.Table:
    """The rows under an explicit schema. Values without a column stay in the journals; absent values are
    null.
    """
    columns = [_column([row.get(field.name) for row in rows], field) for field in schema]
    table = pa.Table.from_arrays(columns, schema=schema)
    return table.replace_schema_metadata({**schema.metadata, **source})


def _column(values: list[Any], field: pa.Field) -> pa.Array:
    if pa.types.is_timestamp(field.type):
        values = [None if value is None else _time(value) for value in values]
    try:
        return pa.array(values, type=field.type, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(
            f"column {field.name!r} of type {field.type} cannot hold what a journal says: {error}"
        ) from error


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
