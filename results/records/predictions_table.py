"""Reading the table `predictions`: each test sample's prediction by each run of a contender."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from causalmer_core.basics.task import Task, TaskKind
from results.records.layout import SweepLayout
from results.records.schemas import predictions_schema

_TASK, _OUTPUTS = "causalmer_task", "causalmer_outputs"


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
        StoreError: the object store does not answer.
    """
    layout.store.pull_folder(layout.predictions)
    schema = predictions_schema()
    files = sorted(layout.predictions.glob("[!.]*.parquet"))
    tables = [pq.read_table(file) for file in files]
    whole = pa.concat_tables([schema.empty_table(), *(table.cast(schema) for table in tables)])
    task = (
        None if not tables else Task.model_validate_json((tables[-1].schema.metadata or {})[_TASK.encode()])
    )
    return PredictionsTable(whole.to_pandas(), task)


def task_metadata(task: Task) -> Mapping[str, str]:
    """The task and the names of the model's outputs, as metadata of a file of predictions."""
    return {_TASK: task.model_dump_json(), _OUTPUTS: json.dumps(output_names(task))}


def output_names(task: Task) -> list[str]:
    """The names of a model's outputs, in their order. Each emotion has two outputs: `<label>=0` and `<label>=1`."""
    if task.kind is TaskKind.EMOTIONS:
        return [f"{label}={value}" for label in task.labels for value in (0, 1)]
    return list(task.labels)
