"""The keys of runs, their states, and the schemas of the tables.

A row's key is (sweep_id, config_id, seed, attempt, epoch). Ray's and Optuna's identifiers are never keys. New versions
of a schema only add columns. The version is in the Parquet metadata and in a column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa

from causalmer_core.basics.digests import is_newer, newer_format

SCHEMA_VERSION = 7

_VERSION = "causalmer_schema_version"
"""The key of the version in the metadata of a Parquet file."""


class RunState(StrEnum):
    """The state of a run.

    `finished`, `pruned` (stopped early as weak), `failed`, `oom` (out of memory), `nan` and `timeout` (over
    `failure.run_timeout`) are final. An `interrupted` attempt stopped on Ctrl-C, after a fault of the machine, or
    because its share of a GPU was too small. A `lost` attempt wrote no end line, and its process is gone. A resumed
    sweep continues interrupted and lost runs.
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
        """Whether the run has ended for good and is not started again."""
        return self.is_written and self is not RunState.INTERRUPTED

    @property
    def is_written(self) -> bool:
        """Whether the state can be in an end line. `running` and `lost` describe an attempt without one."""
        return self not in (RunState.RUNNING, RunState.LOST)


_KEY = re.compile(r"(?P<config_id>[0-9a-f]{16})-s(?P<seed>\d+)")


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """The key of a run: its configuration and its seed."""

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
            ValueError: the text is not a stem.
        """
        match = _KEY.fullmatch(stem)
        if match is None:
            raise ValueError(f"not the name of a run: {stem!r}")
        return RunKey(match["config_id"], int(match["seed"]))


ColumnTypes = Mapping[str, pa.DataType]
"""The types of columns that depend on the sweep: searched parameters by dotted path, metrics by name."""

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
"""The columns of the evaluations table that describe a vector chosen after training."""


BRANCHES = ("multimodal", "text", "audio", "vision")
EFFECTS = ("te", "nde_text", "nde_audio", "nde_vision")


def _schema(fields: Sequence[pa.Field], *extra: ColumnTypes) -> pa.Schema:
    columns = [*fields, *(pa.field(name, kind) for group in extra for name, kind in group.items())]
    return pa.schema(columns, metadata={_VERSION: str(SCHEMA_VERSION)})


def check_schema_version(version: object, where: Path | str) -> None:
    """Check that this program knows a schema's version.

    Raises:
        UserError: a newer program wrote the file `where`.
    """
    if is_newer(version, SCHEMA_VERSION):
        raise newer_format(where, "table schema", version, SCHEMA_VERSION)


def schema_version(schema: pa.Schema) -> int | None:
    """The version in the metadata of a Parquet file. None: there is none."""
    text = (schema.metadata or {}).get(_VERSION.encode(), b"")
    return int(text) if text.isdigit() else None


def epochs_schema(metrics: ColumnTypes) -> pa.Schema:
    """The epochs table: one row per epoch of a run.

    Losses are means over samples. The `valid_<metric>` columns depend on the task. `worst_missing_<metric>` is the
    worst value over three evaluations on the validation split, each without one modality. Only sweeps that use it as a
    measure have the column, with values in epochs that are a new best. Version 5 added it.

    Args:
        metrics: the metric columns.
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
    """The runs table: one row per run, with its state, its best epoch's validation metrics and its configuration.

    `score` is the monitored metric at the best epoch. `reused_from` is the sweep_id of another sweep that trained the
    run (since version 4). `worst_missing_<metric>` is the value at the best epoch (since version 5).

    Version 6 added three groups of columns. `gpus` is the number of GPUs or the share of one. `peak_bytes` is the most
    device memory that tensors used, in bytes, or null if it was not measured. The last five columns before the
    parameters describe the software.

    Args:
        parameters: the columns of the searched parameters.
        metrics: the metric columns.
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
    """The evaluations table: one row per final evaluation of one run on the test split.

    `contender` is `selected`, `paper`, `undebiased`, `linear` or `majority`. `present` names the modalities that were
    not removed as a whole.

    `ablation` is how evidence was removed (see `causalmer_core.measures.ablation`). Whole modalities are replaced by
    `zero`, `mean` or `permutation`; a row with all modalities has `zero`. `random_steps` and `spans` remove a share of
    the steps of all modalities, the `rate`; for other ablations the rate is null. Version 3 added both columns; older
    rows are `zero`.

    `prediction` names the logits that predicted:

    - `tie`: the TIE as configured;
    - `tie:paper`, `tie:learned`, `tie:searched`: the TIE with constants and weights chosen after training (see
      `results.evaluation.debiasing_records`);
    - `factual`: the fusion without counterfactuals;
    - `backbone`: the multimodal branch alone;
    - `linear`, `majority`: the baselines.

    The constants and weights are those of a TIE. `valid_gain` is the gain of choosing them over the paper's on the
    validation split, positive where better, with the ends of its t interval over folds. `notes` names metrics that are
    undefined or easy on these samples. Version 2 added these columns.

    Args:
        metrics: the metric columns.
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
    """The ablation of an evaluation's journal line, for lines of every version."""
    # Versions 3 to 6 called it `removal`. Earlier lines have neither key, and are all `zero`.
    return str(line.get("ablation") or line.get("removal") or "zero")


def predictions_schema() -> pa.Schema:
    """The predictions table: one row per test sample and run of a contender, without ablation (since version 6).

    `label` and `predicted` are lists with one number per label of the task: 0 or 1 for each emotion, the number of the
    class, or the regression target. The other lists have one number per output of the model. The names of the outputs
    are in the file's metadata, as JSON under `causalmer_outputs`.

    `logits` are the logits that predict. For CausalMER they are the TIE as configured. CausalMER's rows also have the
    branches' z_m, z_t, z_a and z_v and the effects TE and NDE_k (see `causalmer_core.method.effects`). For other models
    these are null.
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
