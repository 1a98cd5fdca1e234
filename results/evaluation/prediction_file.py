"""Writing what each sample of the test split was predicted as, one Parquet file a contender's run (for reading see
`results.records.predictions_table`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from causalmer_core.basics.files import written_aside
from causalmer_core.config.run_config import Debiasing
from causalmer_core.datasets.base import Split
from causalmer_core.debiasing.cached_logits import BATCH_SIZE, collect, effect_arrays, tie, trained_constants
from causalmer_core.debiasing.vector import fixed
from causalmer_core.measures.metrics import Array, predicted_labels
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import TrainedModel
from results.records.layout import SweepLayout
from results.records.predictions_table import task_metadata
from results.records.schemas import BRANCHES, SCHEMA_VERSION, RunKey, predictions_schema

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
) -> None:
    """Write what a run predicts with nothing removed; the file appears whole, and written again is the same file.

    Args:
        layout: the sweep's folder.
        trained: the run's model.
        test: the test split.
        contender: what the run's configuration is here.
        key, attempt: the run.
        sweep_id: the sweep.

    Raises:
        OSError: it cannot be written.
        StoreError: it is written here, but not in the store.
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
    with written_aside(path) as temporary:
        pq.write_table(_table(trained, test, same), temporary, compression="zstd")
    layout.store.push(path)


def _table(trained: TrainedModel, split: Split, same: Mapping[str, Any]) -> pa.Table:
    """The rows of a run; `same` are the columns with one value throughout."""
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
    """By column: what the model predicts by, its branches' logits and the effects, as far as it has them."""
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
    """A list of numbers a sample."""
    flat = np.asarray(rows, np.float32).reshape(len(rows), -1)
    offsets = np.arange(0, flat.size + 1, flat.shape[1], dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, flat.ravel())
