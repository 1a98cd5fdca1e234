"""Writing the table `predictions`, one Parquet file per run of a contender.

`results.records.predictions_table` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from causalmer_core.basics.files import write_bytes
from causalmer_core.config.run_config import Debiasing
from causalmer_core.datasets.base import Split
from causalmer_core.debiasing.cached_logits import BATCH_SIZE, collect, effect_arrays, tie, trained_constants
from causalmer_core.debiasing.vector import fixed
from causalmer_core.measures.metrics import Array, predicted_labels
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import TrainedModel
from results.records.layout import SweepLayout
from results.records.predictions_table import predictions_line, task_metadata
from results.records.schemas import BRANCHES, SCHEMA_VERSION, RunKey, predictions_schema
from results.storage.checked_parquet import parquet_writer

COUNTERFACTUAL: Debiasing = "counterfactual"


def write_predictions(
    layout: SweepLayout,
    trained: TrainedModel,
    test: Split,
    *,
    contender: str,
    key: RunKey,
    attempt: int | None,
    sweep_id: str,
) -> dict[str, Any]:
    """Write a run's predictions without ablation. The file appears complete, and a second write gives the same file.

    Args:
        layout: the sweep's folder.
        trained: the run's model.
        test: the test split.
        contender: the contender's name.
        key: the run.
        attempt: the number of its last attempt. None if it is not known.
        sweep_id: the sweep.

    Returns:
        The line for the journal of evaluations, with the file's digest. Write it before the run's evaluations.

    Raises:
        OSError: the file cannot be written.
        StoreError: the file is written here, but not in the store.
    """
    path = layout.prediction_file(contender, key)
    same = {
        "schema_version": SCHEMA_VERSION,
        "sweep_id": sweep_id,
        "config_id": key.config_id,
        "seed": key.seed,
        "attempt": attempt,
        "contender": contender,
        "split": "test",
    }
    content = _parquet(_table(trained, test, same))
    write_bytes(path, content)
    layout.store.push(path)
    return predictions_line(contender, key, content)


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with parquet_writer(sink, table.schema) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _table(trained: TrainedModel, split: Split, same: Mapping[str, Any]) -> pa.Table:
    """The rows of a run; `same` has the columns with a constant value."""
    task, logits = trained.data.task, _logits(trained, split)
    predicted = predicted_labels(task, logits["logits"])
    lists = {"label": np.asarray(split.labels), "predicted": predicted, **logits}
    schema = predictions_schema()
    columns = {
        **{name: _lists(rows) for name, rows in lists.items()},
        "sample": pa.array(map(str, split.ids), pa.string()),
    }
    absent = [field.name for field in schema if field.name not in columns]
    for name in absent:
        columns[name] = pa.array([same.get(name)] * len(split), schema.field(name).type)
    table = pa.Table.from_pydict(columns, schema=schema)
    return table.replace_schema_metadata({**schema.metadata, **task_metadata(task)})


def _logits(trained: TrainedModel, split: Split) -> dict[str, Array]:
    """The predicting logits, and the branches' logits and effects if there are any, all of shape (samples, outputs)."""
    if trained.config.model.debiasing != COUNTERFACTUAL:
        batches = trained.batches(split, size=BATCH_SIZE)
        return {"logits": evaluate(trained.model, batches, trained.config.loss).logits}
    cached, weights = collect(trained, split), trained.config.model.debiasing_weights
    constants = trained_constants(trained)
    configured = fixed(constants, (weights.text, weights.audio, weights.vision))
    return {
        "logits": tie(cached, configured),
        **{name: getattr(cached, name) for name in BRANCHES},
        **effect_arrays(cached, constants),
    }


def _lists(rows: Array) -> pa.Array:
    """One list of numbers per sample, from an array of shape (samples,) or (samples, numbers)."""
    flat = np.asarray(rows, np.float32).reshape(len(rows), -1)
    offsets = np.arange(0, flat.size + 1, flat.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, flat.ravel())
