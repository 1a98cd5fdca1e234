"""Proposals: a function of the search seed, the number and the outcomes told, and of nothing else."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import optuna
import pytest
from objectives_by_hand import HIGHER, LOWER

from results.records.schemas import RunState
from sweeps.search.outcomes import Outcome
from sweeps.search.proposer import Proposer
from sweeps.search.samplers import STATEFUL
from sweeps.space.search_space import SearchSpace
from sweeps.spec.search_section import SearchSection

SPACE = SearchSpace.model_validate_json(
    json.dumps(
        {
            "model.fusion": {"choice": ["sum", "hm", "tanh", "mask"]},
            "loss.alpha": {"float": [0.01, 1.0], "log": True},
            "loss.beta": {"float": [0.1, 3.0], "when": {"model.fusion": ["sum", "mask"]}},
            "model.backbone.layers": {"int": [1, 5]},
        }
    )
)
Sampler = Literal["tpe", "random", "qmc", "cmaes", "gp", "nsga2", "nsga3"]
SAMPLERS: tuple[Sampler, ...] = ("tpe", "random", "qmc", "cmaes", "gp", "nsga2", "nsga3")


def section(sampler: Sampler = "tpe", **values: Any) -> SearchSection:
    population = 4 if sampler in STATEFUL else None  # generations come and go within a few proposals
    return SearchSection(sampler=sampler, startup=3, population=population, **values)


def proposer(sampler: Sampler = "tpe", seed: int = 0, first: Any = (), taught: Any = ()) -> Proposer:
    return Proposer(SPACE, section(sampler, seed=seed), HIGHER, first, taught)


def outcome_of(number: int, values: dict[str, Any]) -> Outcome:
    """A score that the values decide; every fifth is pruned, every seventh became NaN."""
    score = -abs(math.log(values["loss.alpha"]) + 2) - values["model.backbone.layers"]
    if number % 7 == 6:
        return Outcome(RunState.NAN, {})
    state = RunState.PRUNED if number % 5 == 4 else RunState.FINISHED
    return Outcome(state, {1: score - 1, 2: score})


def searched(source: Proposer, count: int, *, told_late: int = 1) -> list[dict[str, Any]]:
    """Proposals, each told `told_late` proposals later."""
    proposals: list[dict[str, Any]] = []
    for number in range(count):
        if number >= told_late:
            known = number - told_late
            source.learn(known, outcome_of(known, proposals[known]))
        proposals.append(source.propose())
    return proposals


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_same_seed_and_outcomes_give_the_same_proposals(sampler: Sampler) -> None:
    assert searched(proposer(sampler), 14) == searched(proposer(sampler), 14)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_another_search_seed_gives_other_proposals(sampler: Sampler) -> None:
    zero, one = searched(proposer(sampler), 6), searched(proposer(sampler, seed=1), 6)
    assert all(a != b for a, b in zip(zero, one, strict=True))


@pytest.fixture(scope="module")
def elsewhere() -> dict[str, Any]:
    """By sampler what another process proposes."""
    script = (
        "import json, random, numpy, torch, sys; random.seed(); numpy.random.seed(); torch.seed()\n"
        "sys.path[:0] = sys.argv[1].split(':')\n"
        "from test_proposer import proposer, searched\n"
        "print(json.dumps({name: searched(proposer(name), 10) for name in sys.argv[2:]}))"
    )
    command = [
        sys.executable,
        "-c",
        script,
        f"{Path(__file__).parent}:{Path(__file__).parents[2] / 'helpers'}",
        *SAMPLERS,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_fresh_process_proposes_the_same(sampler: Sampler, elsewhere: dict[str, Any]) -> None:
    """Neither the order of sets nor a global generator has a part in it."""
    assert elsewhere[sampler] == searched(proposer(sampler), 10)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("told_late", [1, 3])
@pytest.mark.parametrize("killed_at", [1, 5, 9])
def test_repeated_records_lead_to_the_proposals_of_an_undisturbed_search(
    sampler: Sampler, told_late: int, killed_at: int
) -> None:
    """Told late, a proposal is made beside running ones: repeated, they must look as they did when proposed."""
    undisturbed = searched(proposer(sampler), 12 if sampler == "gp" else 20, told_late=told_late)
    again = proposer(sampler)
    for number, recorded in enumerate(undisturbed):
        known = number - told_late
        if known >= 0:
            again.learn(known, outcome_of(known, undisturbed[known]))
        if number < killed_at:
            again.repeat(recorded)
        else:
            assert again.propose() == recorded


def test_outcomes_teach_tpe_and_not_random() -> None:
    """What is told changes what TPE proposes after its start-up, and nothing that random search proposes."""

    def after(sampler: Sampler, sign: float) -> list[dict[str, Any]]:
        source, proposals = proposer(sampler), []
        for number in range(12):
            if number:
                layers = proposals[-1]["model.backbone.layers"]
                source.learn(number - 1, Outcome(RunState.FINISHED, {1: sign * layers}))
            proposals.append(source.propose())
        return proposals

    assert after("tpe", 1.0)[:3] == after("tpe", -1.0)[:3]
    assert after("tpe", 1.0) != after("tpe", -1.0)
    assert after("random", 1.0) == after("random", -1.0)


def test_the_direction_is_told() -> None:
    def layers(direction: Literal["max", "min"]) -> float:
        source = Proposer(SPACE, section(), HIGHER if direction == "max" else LOWER)
        found = []
        for number in range(30):
            found.append(source.propose()["model.backbone.layers"])
            source.learn(number, Outcome(RunState.FINISHED, {1: float(found[-1])}))
        return sum(found[15:]) / 15

    assert layers("max") > layers("min") + 1


FAILURES = [
    Outcome(RunState.FAILED, {1: 0.99}),
    Outcome(RunState.OOM, {}),
    Outcome(RunState.NAN, {1: 0.99, 2: 0.99}),
    Outcome(RunState.LOST, {1: 0.99}),
    Outcome(RunState.FINISHED, {1: math.nan}),
    Outcome(RunState.PRUNED, {}),
]


@pytest.mark.parametrize("failed", FAILURES, ids=str)
def test_a_failure_never_becomes_a_score(failed: Outcome) -> None:
    source = proposer()
    source.propose()
    source.learn(0, failed)
    (trial,) = told(source)
    assert trial.state is optuna.trial.TrialState.FAIL
    assert trial.value is None
    assert not trial.intermediate_values


def test_a_pruned_run_is_told_as_pruned_at_its_epoch() -> None:
    source = proposer()
    source.propose()
    source.learn(0, Outcome(RunState.PRUNED, {1: 0.4, 2: 0.6}))
    (trial,) = told(source)
    assert trial.state is optuna.trial.TrialState.PRUNED
    assert trial.intermediate_values == {2: 0.6}


def test_a_finished_run_is_told_at_its_best_score() -> None:
    source = proposer()
    source.propose()
    source.learn(0, Outcome(RunState.FINISHED, {1: math.nan, 2: 0.6, 3: 0.7}))
    (trial,) = told(source)
    assert (trial.state, trial.value) == (optuna.trial.TrialState.COMPLETE, 0.7)


def told(source: Proposer) -> list[optuna.trial.FrozenTrial]:
    """The trials that stand for proposals; the others were drawn with and thrown away."""
    numbers = {trial.number for trial in source._trials}
    return [trial for trial in source._study.get_trials() if trial.number in numbers]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_conditional_parameter_is_proposed_where_it_is_present_and_only_there(
    sampler: Sampler,
) -> None:
    proposals = searched(proposer(sampler), 25)
    assert all(("loss.beta" in p) == (p["model.fusion"] in ("sum", "mask")) for p in proposals)
    assert {"loss.beta" in p for p in proposals} == {True, False}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_papers_default_comes_first_and_moves_no_later_random_draw(
    sampler: Sampler,
) -> None:
    paper = {"model.fusion": "mask", "loss.alpha": 0.1, "loss.beta": 1.0, "model.backbone.layers": 5}
    with_paper = searched(proposer(sampler, first=[paper]), 3, told_late=3)
    assert with_paper[0] == paper
    assert with_paper[1:] == searched(proposer(sampler), 3, told_late=3)[1:]


def test_points_of_qmc_depend_on_the_number_alone_and_cover_the_space() -> None:
    """Whatever is told; of any 16 points that follow in the sequence from a multiple of 16, one lies in each 16th."""
    told, untold = proposer("qmc"), proposer("qmc", first=[{"model.fusion": "tanh", "loss.alpha": 1.0}])
    proposals = searched(told, 32)
    for number in range(32):
        values = untold.propose()
        assert number == 0 or values == proposals[number]
    for half in (proposals[:16], proposals[16:]):
        shares = [math.log(values["loss.alpha"] / 0.01) / math.log(100) for values in half]
        assert sorted(int(share * 16) for share in shares) == list(range(16))
        assert sorted(values["model.fusion"] for values in half) == sorted(["sum", "hm", "tanh", "mask"] * 4)


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "gp", "nsga2", "nsga3"])
def test_samplers_that_learn_go_where_scores_are_better(sampler: Sampler) -> None:
    """On a score that falls with the distance to one point, the later proposals are better than the first ones."""
    source = proposer(sampler)
    scores = []
    for number in range(24 if sampler == "gp" else 48):
        values = source.propose()
        scores.append(-abs(math.log(values["loss.alpha"]) + 2) - values["model.backbone.layers"])
        source.learn(number, Outcome(RunState.FINISHED, {1: scores[-1]}))
    assert sum(scores[-10:]) / 10 > sum(scores[:10]) / 10 + 0.5


def test_an_empty_space_has_one_proposal() -> None:
    source = Proposer(SearchSpace(), section(), HIGHER, [{}])
    assert [source.propose(), source.propose()] == [{}, {}]
