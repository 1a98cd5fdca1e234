"""Proposals for several objectives and within constraints: good ones, and the same ones after a kill."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, Literal

import optuna
import pytest
from optuna.trial import FrozenTrial

from results.records.objectives import Constraint, Objective, Objectives
from results.records.schemas import RunState
from sweeps.search.outcomes import Outcome
from sweeps.search.proposer import Proposer, WarmStartTrial
from sweeps.space.search_space import SearchSpace
from sweeps.spec.search_section import SearchSection

Sampler = Literal["tpe", "gp", "nsga2", "nsga3", "random"]
CONSTRAINT_AWARE: tuple[Sampler, ...] = ("tpe", "gp", "nsga2", "nsga3")
SPACE = SearchSpace.model_validate_json(
    json.dumps({"loss.alpha": {"float": [0.0, 1.0]}, "loss.beta": {"float": [0.0, 1.0]}})
)
CONDITIONAL = SearchSpace.model_validate_json(
    json.dumps(
        {
            "model.fusion": {"choice": ["sum", "hm", "tanh", "mask"]},
            "loss.alpha": {"float": [0.01, 1.0], "log": True},
            "loss.beta": {"float": [0.1, 3.0], "when": {"model.fusion": ["sum", "mask"]}},
            "model.backbone.layers": {"int": [1, 5]},
        }
    )
)
SEVERAL = Objectives(
    primary=Objective(measure="valid_accuracy", direction="max"),
    further=(Objective(measure="seconds", direction="min"),),
)
BOUNDED = Objectives.of_metric("accuracy", "max", constraints=(Constraint(measure="seconds", at_most=0.5),))
COUNT = {"gp": 13, "tpe": 40, "nsga2": 48, "nsga3": 48, "random": 48}


def proposer(
    sampler: Sampler = "tpe", objectives: Objectives = SEVERAL, space: SearchSpace = SPACE, **options: Any
) -> Proposer:
    """Generations come and go within a few proposals."""
    population = 6 if sampler.startswith("nsga") else None
    section = SearchSection(sampler=sampler, startup=5, population=population)
    return Proposer(space, section, objectives, **options)


def told(source: Proposer) -> FrozenTrial:
    """The trial that stands for the first proposal; others were drawn with and thrown away."""
    (trial,) = (t for t in source._study.get_trials() if t.number == source._trials[0].number)
    return trial


def truth(values: dict[str, Any]) -> dict[str, float]:
    """Accuracy a - b at the price of a + b: on the front b is 0, whatever a is."""
    a, b = values["loss.alpha"], values["loss.beta"]
    return {"valid_accuracy": a - b, "seconds": a + b}


def finished(measured: dict[str, float]) -> Outcome:
    return Outcome(RunState.FINISHED, {1: measured["valid_accuracy"]}, measured)


def searched(sampler: Sampler, objectives: Objectives) -> list[dict[str, Any]]:
    source = proposer(sampler, objectives)
    found = []
    for number in range(COUNT[sampler]):
        found.append(source.propose())
        source.learn(number, finished(truth(found[-1])))
    return found


def late_mean(found: Iterable[float]) -> float:
    """Over the second half of the proposals."""
    values = list(found)
    late = values[len(values) // 2 :]
    return sum(late) / len(late)


@pytest.mark.parametrize("sampler", CONSTRAINT_AWARE)
def test_proposals_go_to_the_front_and_spread_along_it(sampler: Sampler) -> None:
    """At random b is 0.5 on average; and a score alone would draw a to 1."""
    found, chance = searched(sampler, SEVERAL), searched("random", SEVERAL)
    assert late_mean(p["loss.beta"] for p in found) < 0.3 < 0.35 < late_mean(p["loss.beta"] for p in chance)
    late = [p["loss.alpha"] for p in found[len(found) // 2 :]]
    assert max(late) - min(late) > 0.5


@pytest.mark.parametrize("sampler", CONSTRAINT_AWARE)
def test_proposals_keep_within_a_constraint(sampler: Sampler) -> None:
    """The best accuracy is at a = 1, where the price is 1; within the constraint it is at a = 0.5."""
    bounded, free = (
        [truth(p) for p in searched(sampler, objectives)]
        for objectives in (BOUNDED, Objectives.of_metric("accuracy", "max"))
    )
    assert late_mean(p["seconds"] for p in bounded) < 0.75 * late_mean(p["seconds"] for p in free)
    assert max(p["valid_accuracy"] for p in bounded if p["seconds"] <= 0.5) > 0.2


def measured_of(number: int, values: dict[str, Any]) -> Outcome:
    """One in seven fails, one in six lacks a measure."""
    if number % 7 == 6:
        return Outcome(RunState.NAN, {})
    score = -abs(math.log(values["loss.alpha"]) + 2)
    cost = {} if number % 6 == 5 else {"seconds": float(values["model.backbone.layers"])}
    return finished({"valid_accuracy": score, **cost})


@pytest.mark.parametrize("sampler", CONSTRAINT_AWARE)
def test_repeated_records_lead_to_the_proposals_of_an_undisturbed_search(
    sampler: Sampler,
) -> None:
    """Values and constraints are told again from the records, to samplers made anew."""
    killed_at = 7
    objectives = SEVERAL.model_copy(update={"constraints": (Constraint(measure="seconds", at_most=3.0),)})

    source, undisturbed = proposer(sampler, objectives, CONDITIONAL), list[dict[str, Any]]()
    for number in range(9 if sampler == "gp" else 16):
        if number >= 2:
            source.learn(number - 2, measured_of(number - 2, undisturbed[number - 2]))
        undisturbed.append(source.propose())
    again = proposer(sampler, objectives, CONDITIONAL)
    for number, recorded in enumerate(undisturbed):
        if number >= 2:
            again.learn(number - 2, measured_of(number - 2, undisturbed[number - 2]))
        if number < killed_at:
            again.repeat(recorded)
        else:
            assert again.propose() == recorded


def test_what_is_told_are_the_objectives_values_and_how_far_constraints_are_violated() -> None:
    objectives = SEVERAL.model_copy(update={"constraints": BOUNDED.constraints})
    source = proposer(objectives=objectives)
    source.propose()
    source.learn(0, finished({"valid_accuracy": 0.25, "seconds": 0.75}))
    trial = told(source)
    assert trial.values == [0.25, 0.75]
    assert trial.constraints == {"seconds": pytest.approx(0.5)}


def test_a_result_that_lacks_a_measure_is_a_failure() -> None:
    for objectives in (SEVERAL, BOUNDED):
        source = proposer(objectives=objectives)
        source.propose()
        source.learn(0, Outcome(RunState.FINISHED, {1: 0.5}, {"valid_accuracy": 0.5}))
        trial = told(source)
        assert trial.state is optuna.trial.TrialState.FAIL


def test_a_pruned_run_says_what_it_violates() -> None:
    source = proposer(objectives=BOUNDED)
    source.propose()
    source.learn(0, Outcome(RunState.PRUNED, {1: 0.5}, {"seconds": 1.0}))
    trial = told(source)
    assert trial.state is optuna.trial.TrialState.PRUNED
    assert trial.constraints == {"seconds": pytest.approx(1.0)}


def test_a_warm_start_teaches_all_objectives() -> None:
    taught = [
        WarmStartTrial({"loss.alpha": 0.2, "loss.beta": 0.1}, 0.1, {"valid_accuracy": 0.1, "seconds": 0.3})
    ]
    source = proposer(taught=taught)
    (trial,) = source._study.get_trials()
    assert trial.values == [0.1, 0.3]
