"""The sections `objectives` and `constraints`: what they mean, and what is wrong with them on one line each."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_data import TASKS
from tiny_sweep import YAML, checked_sweep

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import TaskKind
from results.records.objectives import Objectives
from sweeps.spec.problems import SpecMismatchError
from sweeps.spec.sweep_spec import load_spec, to_yaml

HEAD = "name: x\ndata: {name: x}\n"
SEVERAL = """\
objectives:
  - {metric: accuracy}
  - {worst_missing: accuracy}
  - {cost: parameters}
"""
RULES = "scheduler: {name: none}\nconfirmation: {name: all}\n"
CONSTRAINTS = "constraints:\n  - {metric: weighted_f1, at_least: 0.6}\n  - {cost: epochs, at_most: 9}\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    return path


def test_directions_are_those_that_metrics_declare(tmp_path: Path) -> None:
    text = SEVERAL.replace("accuracy", "mae") + RULES + "base: {trainer: {monitor: mae}}\n"
    objectives = load_spec(written(tmp_path, text)).objectives_for(TASKS[TaskKind.REGRESSION])
    assert [(o.measure, o.direction) for o in objectives.all] == [
        ("valid_mae", "min"),
        ("worst_missing_mae", "min"),
        ("parameters", "min"),
    ]
    assert objectives.worst_missing == ("mae",)


def test_both_are_written_and_read_back_as_they_were(tmp_path: Path) -> None:
    spec = load_spec(written(tmp_path, SEVERAL + CONSTRAINTS + RULES + "selection: {rule: knee}\n"))
    again = tmp_path / "again.yaml"
    again.write_text(to_yaml(spec), encoding="utf-8")
    assert load_spec(again) == spec
    assert "null" not in to_yaml(spec).partition("objectives:")[2].partition("search:")[0]


def test_by_default_the_monitored_metric_is_all_that_is_wanted(tmp_path: Path) -> None:
    assert load_spec(written(tmp_path, "")).objectives_for(TASKS[TaskKind.EMOTIONS]) == Objectives.of_metric(
        "accuracy", "max"
    )


FIRST = "the first objective is not trainer.monitor, 'accuracy', which chooses the best epoch"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "objectives: [{}]\n",
            "3: objectives[0]: names no measure; given {}; allowed one of metric, worst_missing and cost",
        ),
        (
            "objectives: [{metric: accuracy, cost: epochs}]\n",
            '3: objectives[0]: names several measures; given {"metric": "accuracy", "cost": "epochs"}; '
            "allowed one of metric, worst_missing and cost",
        ),
        (
            "objectives: [{metric: accuracy}, {cost: watts}]\n",
            "3: objectives[1].cost: unknown name; given \"watts\"; allowed 'parameters', 'epochs' or 'seconds'",
        ),
        (
            "constraints: [{cost: epochs}]\n",
            '3: constraints[0]: has no limit; given {"cost": "epochs"}; allowed at_least, at_most or both',
        ),
        (
            "constraints: [{metric: accuracy, at_least: 0.9, at_most: 0.1}]\n",
            "3: constraints[0]: at_least is above at_most, so nothing is allowed; given "
            '{"metric": "accuracy", "at_least": 0.9, "at_most": 0.1}; allowed at_least up to at_most',
        ),
        (
            "objectives:\n  - {metric: weighted_f1}\n",
            f'4: objectives[0]: {FIRST}; given {{"metric": "weighted_f1"}}; allowed {{metric: accuracy}} first, '
            "or another base.trainer.monitor",
        ),
        (
            RULES + "objectives: [{metric: accuracy}, {cost: epochs}, {cost: epochs}]\n",
            '5: objectives[2]: repeats a measure; given {"cost": "epochs"}; allowed each measure once',
        ),
        (
            SEVERAL + "confirmation: {name: all}\n",
            "3: objectives: objectives has several entries, and the scheduler prunes by the first alone, cheap and "
            "robust configurations too; given asha; allowed scheduler: {name: none}, or {name: patience}",
        ),
        (
            SEVERAL + "scheduler: {name: none}\nconfirmation: {name: race}\n",
            "8: confirmation: objectives has several entries, and the race eliminates configurations by the first "
            "alone; given race; allowed confirmation: {name: all}",
        ),
        (
            SEVERAL + RULES + "search:\n  sampler: cmaes\nspace:\n  loss.alpha: {float: [1, 2]}\n"
            "  loss.beta: {float: [1, 2]}\n",
            "10: search.sampler: objectives has several entries, and the sampler 'cmaes' learns one; given cmaes; "
            "allowed tpe, gp, nsga2, nsga3, or one that does not learn",
        ),
        (
            "selection: {rule: knee}\n",
            "3: selection.rule: chooses from the front of several objectives, of which there is one; given knee; "
            "allowed best_mean, or further entries in objectives",
        ),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as caught:
        load_spec(path)
    assert str(caught.value) == f"{path}:{line}"


def test_with_one_objective_constraints_go_with_every_scheduler_and_confirmation(tmp_path: Path) -> None:
    spec = load_spec(written(tmp_path, CONSTRAINTS + "objectives: [{metric: accuracy}]\n"))
    objectives = spec.objectives_for(TASKS[TaskKind.EMOTIONS])
    assert not objectives.is_multi_objective
    assert [c.measure for c in objectives.constraints] == ["valid_weighted_f1", "epochs"]


def test_a_metric_that_the_data_does_not_have_is_blamed_on_its_line(tmp_path: Path) -> None:
    text = YAML + "constraints:\n  - {cost: epochs, at_most: 3}\n  - {worst_missing: mae, at_most: 1}\n"
    with pytest.raises(SpecMismatchError, match=r"unknown metric of a emotions task 'mae'") as caught:
        checked_sweep(tmp_path, text)
    assert caught.value.path == ("constraints", 1, "worst_missing")
