"""Records: the keys of runs, their states, and the schemas of the tables.

A row's key is (sweep_id, config_id, seed, attempt, epoch). Ray's and Optuna's identifiers are never keys.
Schemas change by addition only; their version stands in the Parquet metadata and in a column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa

SCHEMA_VERSION = 7


class RunState(StrEnum):
    """How a run stands.

    `finished`, `pruned` (cut early as weak), `failed`, `oom` (out of memory), `nan` and `timeout` (over
    `failure.run_timeout`) are final. `interrupted`: the attempt ended itself, on Ctrl-C, for a fault of the machine,
    or because its share of a GPU was too small; `lost`: its process is gone and wrote no end. A resumed sweep goes on
    with both.
    """

    RUNNING = "running"
    FINISHED = "finished"
    PRUNED = "pruned"
    FAILED = "failed"
    OOM = "oom"
    NAN = "nan"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    LOST = "lost"

    @property
    def is_final(self) -> bool:
        """Whether the run is not to be started again."""
        return self.is_written and self is not RunState.INTERRUPTED

    @property
    def is_written(self) -> bool:
        """Whether an end line can say it; the others are what a missing end line means."""
        return self not in (RunState.RUNNING, RunState.LOST)


_KEY = re.compile(r"(?P<config_id>[0-9a-f]{16})-s(?P<seed>\d+)")


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """The key of a run: configuration x seed."""

    config_id: str
    seed: int

    @property
    def stem(self) -> str:
        """The run's name in file names: `<config_id>-s<seed>`."""
        return f"{self.config_id}-s{self.seed}"

    @staticmethod
    def parse(stem: str) -> RunKey:
        """The key from its stem.

        Raises:
            ValueError: the text is no stem.
        """
        match = _KEY.fullmatch(stem)
        if match is None:
            raise ValueError(f"not the name of a run: {stem!r}")
        return RunKey(match["config_id"], int(match["seed"]))


ColumnTypes = Mapping[str, pa.DataType]
"""Columns beyond the fixed ones: searched parameters by dotted path, metrics by name."""

_KEY_FIELDS = [
    pa.field("schema_version", pa.int32()),
    pa.field("sweep_id", pa.string()),
    pa.field("config_id", pa.string()),
    pa.field("seed", pa.int64()),
    pa.field("attempt", pa.int32()),
]


VECTOR_COLUMNS = (
    *(f"{kind}_{name}" for kind in ("constant", "weight") for name in ("text", "audio", "vision")),
    *("valid_gain", "valid_gain_low", "valid_gain_high"),
)
"""Columns of evaluations about a vector chosen after training."""


BRANCHES = ("multimodal", "text", "audio", "vision")
EFFECTS = ("te", "nde_text", "nde_audio", "nde_vision")


def _schema(fields: Sequence[pa.Field], *extra: ColumnTypes) -> pa.Schema:
    columns = [*fields, *(pa.field(name, kind) for group in extra for name, kind in group.items())]
    return pa.schema(columns, metadata={"causalmer_schema_version": str(SCHEMA_VERSION)})


def epochs_schema(metrics: ColumnTypes) -> pa.Schema:
    """One row an epoch of a run. Losses are means over samples; `valid_<metric>` columns follow the task.

    `worst_missing_<metric>` stands where the sweep asks for it, in the rows of epochs with a new best: the worst of the
    metric over the three evaluations on the validation split that lack one modality. Version 5 added it.
    """
    return _schema(
        [
            *_KEY_FIELDS,
            pa.field("phase", pa.string()),
            pa.field("epoch", pa.int32()),
            pa.field("train_loss", pa.float64()),
            pa.field("train_task_loss", pa.float64()),
            pa.field("train_kl_loss", pa.float64()),
            pa.field("valid_loss", pa.float64()),
            pa.field("valid_task_loss", pa.float64()),
            pa.field("valid_kl_loss", pa.float64()),
            pa.field("learning_rate", pa.float64()),
            pa.field("constant_text", pa.float64()),
            pa.field("constant_audio", pa.float64()),
            pa.field("constant_vision", pa.float64()),
            pa.field("is_best", pa.bool_()),
            pa.field("seconds", pa.float64()),
            pa.field("time", pa.timestamp("us", tz="UTC")),
        ],
        metrics,
    )


def runs_schema(parameters: ColumnTypes, metrics: ColumnTypes) -> pa.Schema:
    """One row a run: its state, its best epoch with that epoch's validation metrics, its configuration.

    `score` is the best value of the monitored metric over the run's epochs. `reused_from` is the sweep_id of the sweep
    that trained the run, where it is another one; version 4 added it. Version 5 added `worst_missing_<metric>` at the
    best epoch, where the sweep asks for it. Version 6 added `gpus`, how many or which share of one, `peak_bytes`, the
    most that tensors took of a device where that was measured, and the software that trained it.
    """
    return _schema(
        [
            *_KEY_FIELDS,
            pa.field("phase", pa.string()),
            pa.field("role", pa.string()),
            pa.field("number", pa.int64()),
            pa.field("state", pa.string()),
            pa.field("reason", pa.string()),
            pa.field("epochs", pa.int32()),
            pa.field("best_epoch", pa.int32()),
            pa.field("score", pa.float64()),
            pa.field("parameters", pa.int64()),
            pa.field("seconds", pa.float64()),
            pa.field("started", pa.timestamp("us", tz="UTC")),
            pa.field("host", pa.string()),
            pa.field("device", pa.string()),
            pa.field("notes", pa.string()),
            pa.field("config_json", pa.string()),
            pa.field("reused_from", pa.string()),
            pa.field("gpus", pa.float64()),
            pa.field("peak_bytes", pa.int64()),
            pa.field("causalmer", pa.string()),
            pa.field("python", pa.string()),
            pa.field("torch", pa.string()),
            pa.field("git_commit", pa.string()),
            pa.field("git_dirty", pa.bool_()),
        ],
        parameters,
        metrics,
    )


def evaluations_schema(metrics: ColumnTypes) -> pa.Schema:
    """One row a final evaluation of one run on the test split, with nothing or something taken away from it.

    `contender` is `selected`, `paper` or `undebiased`; `present` names the modalities that were not removed as a whole,
    `ablation` how those were that are not among them (see `causalmer_core.measures.ablation`): `zero`, also where nothing was, or
    `mean` or `permutation`. `random_steps` and `spans` take steps of all modalities at a `rate` and leave none out;
    elsewhere the rate is null. Version 3 added these two; older rows are all `zero`.
    `prediction` says which logits predicted: `tie` (as configured), `tie:paper`, `tie:learned` and `tie:searched` (with
    constants and weights chosen after training, see `results.evaluation.debiasing_records`), `factual` (the fusion without
    counterfactuals), `backbone` (the multimodal branch alone), `linear`, `majority`. Constants and weights are those of
    a `tie`; `valid_gain` is what choosing them gained over the paper's on validation, positive where better, with the
    ends of its t interval over folds. `notes` says which metrics are undefined or easy on these samples. Version 2
    added these.
    """
    return _schema(
        [
            *_KEY_FIELDS,
            pa.field("contender", pa.string()),
            pa.field("split", pa.string()),
            pa.field("present", pa.string()),
            pa.field("prediction", pa.string()),
            pa.field("samples", pa.int64()),
            pa.field("time", pa.timestamp("us", tz="UTC")),
            *(pa.field(name, pa.float64()) for name in VECTOR_COLUMNS),
            pa.field("notes", pa.string()),
            pa.field("ablation", pa.string()),
            pa.field("rate", pa.float64()),
        ],
        metrics,
    )


def evaluation_ablation(line: Mapping[str, Any]) -> str:
    """How evidence was taken away in an evaluation's journal line, whatever version wrote it.

    Lines before version 3 say nothing: they are `zero`. Versions 3 to 6 called it `removal`.
    """
    return str(line.get("ablation") or line.get("removal") or "zero")


def predictions_schema() -> pa.Schema:
    """One row a sample of the test split and run of a contender, with nothing removed. Version 6 added the table.

    `label` and `predicted` are lists with a number for each label of the task: 0 or 1 for each emotion, the one class's
    number, or the one target. The rest are lists with a number for each output of the model, their names in the file's
    metadata under `causalmer_outputs`, as JSON: `logits`, by which it predicts; and of CausalMER, whose `logits` are
    the TIE as configured, the branches' z_m, z_t, z_a and z_v and the effects TE and NDE_k (see
    `causalmer_core.method.effects`). Of other models these are null.
    """
    numbers = pa.list_(pa.float32())
    return _schema(
        [
            *_KEY_FIELDS,
            pa.field("contender", pa.string()),
            pa.field("split", pa.string()),
            pa.field("sample", pa.string()),
            *(pa.field(name, numbers) for name in ("label", "predicted", "logits", *BRANCHES, *EFFECTS)),
        ]
    )
