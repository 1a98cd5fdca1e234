"""Reading the table `predictions`: each test sample's prediction by each run of a contender.

The journal of evaluations has a line for each file, with its size and its SHA-256. The table consists of the files of
the evaluated runs; other files in the folder are not read. Older versions wrote no such lines: their files are read
without a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.task import Task, TaskKind
from results.records.layout import SweepLayout
from results.records.schemas import RunKey, check_schema_version, predictions_schema, schema_version
from results.records.seals import read_sealed
from results.storage.checked_parquet import parse_parquet
from results.storage.journal import now

_TASK, _OUTPUTS = "causalmer_task", "causalmer_outputs"
_LINE = "predictions"
_REMEDY = "'causalmer resume SWEEP.yaml' or 'causalmer results evaluate SWEEP' writes it again"

_Run = tuple[str, RunKey]
"""A contender and a run of it: the key of a file."""


@dataclass(frozen=True, slots=True)
class PredictionsTable:
    """The table `predictions` of a sweep.

    Attributes:
        frame: its rows (schema: `records.schemas.predictions_schema`).
        task: the task of the data set. None before anything was predicted.
    """

    frame: pd.DataFrame
    task: Task | None


def read_predictions(layout: SweepLayout) -> PredictionsTable:
    """The predictions of a sweep. There are no rows before the test split is opened, nor in sweeps of older versions.

    Raises:
        DamagedFileError: a file is missing, or is not what the evaluation wrote.
        UserError: a newer program wrote a file.
        StoreError: the object store does not answer.
    """
    files = [_read(layout, run, line) for run, line in _files(layout)]
    found = [file for file in files if file is not None]
    # Files of two versions have equal columns, but not equal metadata.
    tables = [predictions_schema().empty_table(), *(table for table, _ in found)]
    whole = pa.concat_tables([table.replace_schema_metadata(None) for table in tables])
    return PredictionsTable(whole.to_pandas(), found[-1][1] if found else None)


def damaged_predictions(layout: SweepLayout) -> dict[tuple[str, RunKey], DamagedFileError]:
    """The errors of the files that `read_predictions` rejects, by contender and run.

    Raises:
        UserError: a newer program wrote a file.
        StoreError: the object store does not answer.
    """
    damaged: dict[_Run, DamagedFileError] = {}
    for run, line in _files(layout):
        try:
            _read(layout, run, line)
        except DamagedFileError as error:
            damaged[run] = error
    return damaged


def predictions_line(contender: str, key: RunKey, content: bytes) -> dict[str, Any]:
    """The line of the journal of evaluations that describes a file of predictions.

    Args:
        contender: the contender's name.
        key: the run.
        content: the bytes of the file.
    """
    return {
        "kind": _LINE,
        "time": now(),
        "contender": contender,
        "config_id": key.config_id,
        "seed": key.seed,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _files(layout: SweepLayout) -> Iterable[tuple[_Run, Mapping[str, Any] | None]]:
    """The evaluated runs, ordered by the names of their files, with the last line of each file if there is one."""
    layout.store.pull_folder(layout.predictions)
    found: dict[_Run, Mapping[str, Any] | None] = {}
    for row in read_sealed(layout, layout.evaluation_journal):
        # The baselines of untrained classifiers have neither a configuration nor predictions.
        if row["kind"] in ("evaluation", _LINE) and row["config_id"] is not None:
            run = (row["contender"], RunKey(row["config_id"], row["seed"]))
            found[run] = row if row["kind"] == _LINE else found.get(run)
    return sorted(found.items(), key=lambda item: layout.prediction_file(*item[0]))


def _read(layout: SweepLayout, run: _Run, line: Mapping[str, Any] | None) -> tuple[pa.Table, Task] | None:
    """The rows and the task of a file. None if there is no file, and no line either."""
    path = layout.prediction_file(*run)
    content = _content(path)
    if line is not None and _damage(content, line) is not None:
        # The copy of an object may be older than the line, or damaged here alone.
        layout.store.pull(path)
        content = _content(path)
    damage = None if line is None else _damage(content, line)
    if damage is not None:
        raise DamagedFileError(layout.store.shown(path), damage, _REMEDY)
    if content is None:
        return None
    table = parse_parquet(content, path, _REMEDY)
    check_schema_version(schema_version(table.schema), path)
    if not table.schema.equals(predictions_schema()):
        raise DamagedFileError(path, "its columns are not those of the table of predictions", _REMEDY)
    try:
        return table, Task.model_validate_json((table.schema.metadata or {}).get(_TASK.encode(), b""))
    except ValueError as error:
        raise DamagedFileError(path, f"its metadata has no valid {_TASK!r}", _REMEDY) from error


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _damage(content: bytes | None, line: Mapping[str, Any]) -> str | None:
    """The difference between a file and its line, in words. None if there is none."""
    if content is None:
        return "it is missing"
    if len(content) != line["bytes"]:
        return f"it has {len(content)} bytes instead of {line['bytes']}"
    if hashlib.sha256(content).hexdigest() != line["sha256"]:
        return "its bytes do not match the SHA-256 in the journal of evaluations"
    return None


def task_metadata(task: Task) -> Mapping[str, str]:
    """The task and the names of the model's outputs, as metadata of a file of predictions."""
    return {_TASK: task.model_dump_json(), _OUTPUTS: json.dumps(output_names(task))}


def output_names(task: Task) -> list[str]:
    """The names of a model's outputs, in their order. Each emotion has two outputs: `<label>=0` and `<label>=1`."""
    if task.kind is TaskKind.EMOTIONS:
        return [f"{label}={value}" for label in task.labels for value in (0, 1)]
    return list(task.labels)
