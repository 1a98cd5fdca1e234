"""What a reader of a record is warned of, and that each warning is true of the numbers."""

from __future__ import annotations

import pytest
import torch
from tiny_data import TASKS, tiny_config, tiny_data

from causalmer_core.basics.task import TaskKind
from causalmer_core.config.run_config import RunConfig
from causalmer_core.method.method_warnings import method_warnings, run_notes
from causalmer_core.training.trainer import Trainer

EMOTIONS, REGRESSION = TaskKind.EMOTIONS, TaskKind.REGRESSION


def found(kind: TaskKind, **values: object) -> str:
    return " | ".join(method_warnings(tiny_config(kind, **values), TASKS[kind]))


def test_a_plain_configuration_has_none() -> None:
    assert found(EMOTIONS, model__fusion="mask") == ""
    assert found(EMOTIONS, model__fusion="sum") == ""


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        (EMOTIONS, {"model__fusion": "tanh"}, "debiasing never changes an argmax"),
        (
            EMOTIONS,
            {"loss__beta": 0.0, "model__fusion": "sum"},
            "with loss.beta 0 the no-treatment constants have no gradient",
        ),
        (REGRESSION, {"model__fusion": "tanh"}, "with one output the KL term is 0"),
        (REGRESSION, {"model__fusion": "mask"}, "every NDE is 0, and the TIE is the factual fusion"),
        (REGRESSION, {"model__fusion": "sum"}, "positive scores cannot be predicted"),
        (REGRESSION, {"model__fusion": "hm"}, "positive scores cannot be predicted"),
    ],
)
def test_what_debiasing_or_a_loss_cannot_do_is_said(
    kind: TaskKind, values: dict[str, object], words: str
) -> None:
    assert words in found(kind, **values)


def test_constants_away_from_0_are_not_called_a_no_op() -> None:
    assert "every NDE is 0" not in found(REGRESSION, model__fusion="mask", model__initial_constant=0.5)


def test_the_backbone_alone_needs_no_warning() -> None:
    assert found(REGRESSION, model__fusion="sum", model__debiasing="none") == ""


@pytest.mark.parametrize(
    ("kind", "values"),
    [(EMOTIONS, {"loss__beta": 0.0, "model__fusion": "sum"}), (REGRESSION, {"model__fusion": "mask"})],
)
def test_constants_said_to_stay_do_stay(kind: TaskKind, values: dict[str, object]) -> None:
    trainer = Trainer(tiny_config(kind, **values), tiny_data(kind), seed=0, device=torch.device("cpu"))
    assert "stay at their start" in found(kind, **values)
    assert [result.constants for result in trainer.epochs()] == [(0.0, 0.0, 0.0)] * 3


def test_constants_without_that_warning_move() -> None:
    config = tiny_config(EMOTIONS, model__fusion="sum")
    trainer = Trainer(config, tiny_data(EMOTIONS), seed=0, device=torch.device("cpu"))
    constants = [result.constants for result in trainer.epochs()]
    assert constants[-1] != (0.0, 0.0, 0.0)


def test_notes_say_where_alberts_weights_come_from() -> None:
    task = TASKS[EMOTIONS]
    fresh = RunConfig()
    assert run_notes(fresh, task) == ("ALBERT with fresh weights from its config",)
    pretrained = fresh.with_values({"model.text_branch.path": "models/albert"})
    assert run_notes(pretrained, task) == ("ALBERT with weights from models/albert",)
    assert run_notes(fresh.with_values({"model.debiasing": "none"}), task) == ()
    assert run_notes(tiny_config(EMOTIONS), task) == ()
