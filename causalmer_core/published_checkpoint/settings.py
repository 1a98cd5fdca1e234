"""The settings of a published model that do not follow from the shapes of its tensors.

They come from the user, else from the file's modules, else from the published defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.config.method_version import PUBLISHED_OPTIONS
from causalmer_core.config.run_config import RunConfig
from causalmer_core.measures.metrics import metric_directions
from causalmer_core.published_checkpoint.shapes import PublishedShapes

MAX_ALBERT_LAYERS = 128

_KNOWN_LABELS = {
    8: ("neutral", "happy", "sad", "angry"),
    7: ("-3", "-2", "-1", "0", "1", "2", "3"),
    1: ("sentiment",),
}
"""Published outputs: IEMOCAP's emotions, the classes of a sentiment score, the score itself."""

Source = Literal["given", "in the file", "assumed"]


class Setting(BaseModel):
    """One setting and its source."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    value: str | int | bool
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The settings that a user gives for a checkpoint. None: the file's, else the published default.

    Attributes:
        fusion: the fusion strategy; published: mask.
        num_heads: heads of MulT's attention; published: 10, whatever its arguments.
        attn_mask: whether MulT masks the future; published: true.
        albert_layers: how often ALBERT's one layer is applied; albert-base-v2: 12.
        albert_heads: heads of ALBERT's attention; default: one for each 64 of its hidden size.
        labels: names of the emotions or classes, in the order of the outputs.
        standardise: scaling of the features; published: never.
    """

    fusion: str | None = None
    num_heads: int | None = None
    attn_mask: bool | None = None
    albert_layers: int | None = None
    albert_heads: int | None = None
    labels: tuple[str, ...] | None = None
    standardise: Literal["auto", "always", "never"] = "never"


def settle(
    path: Path, given: Given, stated: Mapping[str, str | int | bool], shapes: PublishedShapes, task: Task
) -> dict[str, Setting]:
    """Every setting by its name, and the task's labels, for display.

    Raises:
        UserError: ALBERT's heads are unknown, or its number of layers is out of range.
    """
    hidden = shapes.albert["hidden_size"]
    defaults: dict[str, str | int | bool] = {
        "fusion": "mask",
        "num_heads": 10,
        "attn_mask": True,
        "albert_layers": 12,
    }
    if hidden % 64 == 0:
        defaults["albert_heads"] = hidden // 64
    settled = {}
    for name in ("fusion", "num_heads", "attn_mask", "albert_layers", "albert_heads"):
        asked = getattr(given, name)
        if asked is not None:
            settled[name] = Setting(name=name, value=asked, source="given")
        elif name in stated:
            settled[name] = Setting(name=name, value=stated[name], source="in the file")
        elif name in defaults:
            settled[name] = Setting(name=name, value=defaults[name], source="assumed")
        else:
            raise UserError(
                f"{path}: ALBERT's hidden size {hidden} is no multiple of 64; give --albert-heads"
            )
    repeated = settled["albert_layers"].value
    if type(repeated) is not int or not 1 <= repeated <= MAX_ALBERT_LAYERS:
        raise UserError(
            f"{path}: ALBERT's layer is applied {repeated!r:.40} times; allowed: 1 to {MAX_ALBERT_LAYERS}; "
            "give --albert-layers"
        )
    settled["labels"] = Setting(
        name="labels", value=", ".join(task.labels), source="assumed" if given.labels is None else "given"
    )
    settled["standardise"] = Setting(
        name="standardise",
        value=given.standardise,
        source="assumed" if given.standardise == "never" else "given",
    )
    return settled


def task_of(path: Path, outputs: int, labels: tuple[str, ...] | None) -> Task:
    """The task of a model with this number of outputs.

    Without labels 8 outputs are four emotions, 7 the classes of sentiment, and 1 a sentiment score. Labels that are
    half as many as the outputs are emotions; labels that are as many are classes.

    Raises:
        UserError: the labels do not fit the outputs, or are missing.
    """
    labels = labels or _KNOWN_LABELS.get(outputs)
    if labels is None:
        raise UserError(
            f"{path}: {outputs} outputs; 8 (emotions), 7 (classes) and 1 (regression) are known by themselves; "
            f"give --labels with {outputs} classes"
            + (f" or {outputs // 2} emotions" if outputs % 2 == 0 else "")
        )
    kinds = (
        {1: TaskKind.REGRESSION}
        if outputs == 1
        else {outputs // 2: TaskKind.EMOTIONS, outputs: TaskKind.CLASSES}
    )
    kind = kinds.get(len(labels))
    if kind is None or (kind is TaskKind.EMOTIONS and outputs % 2):
        raise UserError(
            f"{path}: --labels names {len(labels)} ({', '.join(labels)}), but the model has {outputs} outputs; "
            "allowed: half as many emotions, or as many classes"
        )
    try:
        return Task(kind=kind, labels=labels)
    except ValidationError as error:
        raise UserError(f"{path}: --labels: {error.errors()[0]['msg']}") from error


def configuration(
    path: Path, shapes: PublishedShapes, settings: Mapping[str, Setting], task: Task
) -> RunConfig:
    """The configuration of a published model, with the options of the published method.

    Raises:
        UserError: a setting has a value that is not allowed, such as heads that do not divide the width.
    """
    value = {name: setting.value for name, setting in settings.items()}
    changes: dict[str, Any] = {
        **PUBLISHED_OPTIONS,
        "data.standardise": value["standardise"],
        "model.fusion": value["fusion"],
        "model.backbone": {
            **shapes.mult,
            "num_heads": value["num_heads"],
            "attn_mask": value["attn_mask"],
        },
        "model.text_branch": {
            "name": "albert",
            **shapes.albert,
            "num_layers": value["albert_layers"],
            "num_heads": value["albert_heads"],
        },
        "trainer.monitor": next(iter(metric_directions(task))),
    }
    try:
        return RunConfig().with_values(changes)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{path}: {where}: {first['msg']}; given {first['input']!r:.80}; say what the model was trained with by "
            "--fusion, --num-heads, --albert-heads or --albert-layers"
        ) from error
