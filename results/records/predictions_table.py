"""What each sample of the test split was predicted as, by each run of a contender: the table `predictions`, read."""

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
    """The table.

    Attributes:
        frame: its rows (schema: `records.predictions_schema`).
        task: of the data set; none where nothing was predicted yet.
    """

    frame: pd.DataFrame
    task: Task | None


def read_predictions(layout: SweepLayout) -> PredictionsTable:
    """The predictions of a sweep; without rows where the test split was not opened, or by a version that wrote none."""
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
    """What a file of predictions says of the task in its metadata: the task, and the names of a model's outputs."""
    return {_TASK: task.model_dump_json(), _OUTPUTS: json.dumps(output_names(task))}


def output_names(task: Task) -> list[str]:
    """The names of a model's outputs, in their order: of an emotion two, that it is not there and that it is."""
    if task.kind is TaskKind.EMOTIONS:
        return [f"{label}={value}" for label in task.labels for value in (0, 1)]
    return list(task.labels)
