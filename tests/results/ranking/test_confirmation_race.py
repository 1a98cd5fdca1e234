"""The confirmation's rules: who is given which seeds, who leaves when, and how often the best one does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.ranking.confirmation_race import Race, most_confirmation_runs, race
from results.records.confirmation_rules import AllRule, HalvingRule, RaceRule

RULES = (AllRule(), HalvingRule(), HalvingRule(reduction_factor=3), RaceRule(), RaceRule(seeds_per_round=2))
Outcomes = Mapping[str, Mapping[int, float | None]]


def drawn(configurations: int, seeds: int, random: int = 0, spread: float = 0.3) -> Outcomes:
    """Scores whose means and seeds differ."""
    noise = np.random.default_rng(random).normal(scale=spread, size=(configurations, seeds + 1))
    return {
        f"{number:02d}": {seed: float(number / 5 + noise[number, seed]) for seed in range(seeds + 1)}
        for number in range(configurations)
    }


def steps(
    rule: AllRule | HalvingRule | RaceRule, truth: Outcomes, seeds: tuple[int, ...], **options: object
) -> Iterator[tuple[Race, dict[str, dict[int, float | None]]]]:
    """The race as a driver meets it: only what it asks for is run."""
    known: dict[str, dict[int, float | None]] = {racer: {0: scores[0]} for racer, scores in truth.items()}
    while True:
        standing = race(rule, known, seeds, earlier=(0,), direction="max", **options)  # type: ignore[arg-type]
        yield standing, known
        if not standing.pending:
            return
        for racer in standing.active:
            known[racer] |= {seed: truth[racer][seed] for seed in standing.pending}


@pytest.mark.parametrize("rule", RULES, ids=str)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 3))
@settings(deadline=None, max_examples=25)
def test_every_rule_ends_with_someone_who_ran_on_all_seeds_of_its_rounds(
    rule: AllRule | HalvingRule | RaceRule, active: int, count: int, random: int
) -> None:
    seeds = tuple(range(1, count + 1))
    truth = drawn(active, count, random)
    (*_, (end, known)) = steps(rule, truth, seeds)
    assert end.active
    runs = sum(len(scores) - 1 for scores in known.values())
    assert runs <= most_confirmation_runs(rule, active, count)
    held = [seed for each in end.rounds for seed in each.seeds]
    assert held == list(seeds[: len(held)])
    for racer in truth:
        assert set(end.seeds_of(racer)) == set(known[racer]) - {0}
        assert (end.eliminated_after(racer) is None) == (racer in end.active)
    for before, after in zip(end.rounds, end.rounds[1:], strict=False):
        assert set(after.active) == set(before.active) - set(before.eliminated) - set(before.failed)
    if len(end.active) > 1:
        assert held == list(seeds)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_what_stands_is_the_same_from_all_records_at_once_in_any_order(
    rule: AllRule | HalvingRule | RaceRule,
) -> None:
    truth = drawn(8, 6)
    seeds = (1, 2, 3, 4, 5, 6)
    (*_, (end, known)) = steps(rule, truth, seeds)
    turned = {racer: known[racer] for racer in reversed(known)}
    assert race(rule, turned, seeds, earlier=(0,), direction="max") == end
    assert race(rule, truth, seeds, earlier=(0,), direction="max") == end


def test_a_lower_is_better_score_turns_the_race_round() -> None:
    truth = drawn(6, 5)
    turned = {racer: {s: -float(score or 0) for s, score in row.items()} for racer, row in truth.items()}
    options = {"earlier": (0,)}
    rule = RaceRule(max_error=0.3)
    high = race(rule, truth, (1, 2, 3, 4, 5), direction="max", **options)  # type: ignore[arg-type]
    low = race(rule, turned, (1, 2, 3, 4, 5), direction="min", **options)  # type: ignore[arg-type]
    assert high == low
    assert any(each.eliminated for each in high.rounds)


def test_halving_spends_more_seeds_on_fewer() -> None:
    truth = drawn(25, 15)
    (*_, (end, _)) = steps(HalvingRule(), truth, tuple(range(1, 16)))
    assert [(len(each.active), len(each.seeds)) for each in end.rounds] == [(25, 1), (12, 2), (6, 4), (3, 8)]
    assert most_confirmation_runs(HalvingRule(), 25, 15) == 25 + 24 + 24 + 24
    best = max(truth, key=lambda racer: sum(float(s or 0) for s in truth[racer].values()))
    assert best in end.active


def test_a_race_lets_only_those_go_that_together_hold_no_more_than_the_error() -> None:
    rule = RaceRule(max_error=0.2)
    (*_, (end, _)) = steps(rule, drawn(10, 8, spread=0.8), tuple(range(1, 9)))
    gone = [each.chances[racer] for each in end.rounds for racer in each.eliminated]
    assert gone
    assert sum(gone) <= 0.2
    assert end.rounds[-1].eliminated == ()
    assert end.last_chance(end.active[0]) == end.rounds[-1].chances[end.active[0]]


def test_a_racer_without_a_score_is_out_and_leaves_the_others_their_seeds() -> None:
    truth = {racer: dict(scores) for racer, scores in drawn(4, 3).items()}
    truth["03"][2] = None
    (*_, (end, known)) = steps(AllRule(), truth, (1, 2, 3))
    assert end.rounds[0].failed == ("03",)
    assert end.active == ("00", "01", "02")
    (*_, (end, known)) = steps(RaceRule(max_error=0.01), truth, (1, 2, 3))
    assert end.rounds[1].failed == ("03",)
    assert 3 not in known["03"]
    assert end.eliminated_after("03") is None
    assert "03" not in end.active


@pytest.mark.parametrize("rule", [RaceRule(), HalvingRule(), AllRule()], ids=str)
def test_one_alone_has_nobody_to_race_and_runs_on_all_seeds(rule: RaceRule | HalvingRule | AllRule) -> None:
    """With `top_k: 1` the seeds that were asked for are what tells how good it is."""
    outcomes: dict[str, dict[int, float | None]] = {"a": {0: 1.0}}
    while standing := race(rule, outcomes, (1, 2), earlier=(0,), direction="max").pending:
        outcomes["a"] |= dict.fromkeys(standing, 1.0)
    end = race(rule, outcomes, (1, 2), earlier=(0,), direction="max")
    assert (end.active, end.seeds_of("a")) == (("a",), (1, 2))
    assert most_confirmation_runs(rule, 1, 2) == 2


@pytest.mark.parametrize("counted", [True, False], ids=["search counts", "search apart"])
@pytest.mark.parametrize(
    ("configurations", "active", "seeds", "noise", "error"),
    [
        (40, 10, 8, 0.5, 0.1),
        (40, 10, 8, 1.0, 0.5),
        (12, 4, 2, 1.0, 0.3),
        (6, 3, 3, 2.0, 0.3),
        (12, 4, 3, 5.0, 0.2),
    ],
)
def test_the_best_of_those_that_race_leaves_no_more_often_than_stated(
    configurations: int, active: int, seeds: int, noise: float, error: float, counted: bool
) -> None:
    """200 simulated races of the search's best; the luck of a seed is common to all."""
    lost, eliminated = 0, 0
    for repetition in range(200):
        random = np.random.default_rng((configurations, int(10 * noise), repetition))
        means = random.normal(size=configurations)
        scores = means[:, None] + noise * random.normal(size=(configurations, seeds + 1))
        scores += random.normal(size=seeds + 1)
        lead = np.argsort(-scores[:, 0])[:active]
        end = race(
            RaceRule(max_error=error),
            {str(i): {seed: float(scores[i, seed]) for seed in range(seeds + 1)} for i in lead},
            range(1, seeds + 1),
            earlier=(0,) if counted else (),
            searched=scores[:, 0].tolist(),
            direction="max",
        )
        lost += str(lead[means[lead].argmax()]) not in end.active
        eliminated += active - len(end.active)
    assert lost / 200 <= error + 2.5 * np.sqrt(error * (1 - error) / 200)
    assert eliminated > 0 or (seeds == 2 and not counted), "nobody ever leaves"


def test_nobody_leaves_where_nothing_tells_them_apart() -> None:
    truth: Outcomes = {racer: {0: 0.5, 1: 0.7, 2: 0.6} for racer in "abcd"}
    (*_, (end, _)) = steps(RaceRule(max_error=0.9), truth, (1, 2))
    assert end.active == ("a", "b", "c", "d")


def test_those_that_left_still_tell_how_far_seeds_differ() -> None:
    """On the first fresh seed 'c' falls from the best to the worst: its fall is a reason to trust no seed much."""
    outcomes: dict[str, dict[int, float | None]] = {
        "a": {0: 0.80, 1: 0.81, 2: 0.80},
        "b": {0: 0.79, 1: 0.79, 2: 0.78},
        "c": {0: 0.82, 1: None},
    }
    rule = RaceRule(max_error=1e-9)
    alone = race(rule, {racer: outcomes[racer] for racer in "ab"}, (1, 2), earlier=(0,), direction="max")
    fallen = race(rule, outcomes | {"c": {0: 0.82, 1: 0.4, 2: None}}, (1, 2), earlier=(0,), direction="max")
    failed = race(rule, outcomes, (1, 2), earlier=(0,), direction="max")
    assert failed.rounds[0].failed == ("c",)
    assert fallen.rounds[1].failed == ("c",)
    assert fallen.last_chance("a") < alone.last_chance("a")  # type: ignore[operator]


@pytest.mark.parametrize("rule", [RaceRule(), HalvingRule()], ids=str)
def test_who_violates_a_constraint_drives_nobody_out(rule: HalvingRule | RaceRule) -> None:
    """The far best one violates it: of the others none leaves because of it, and the best of them stays."""
    truth = drawn(4, 6, spread=0.01) | {"best": dict.fromkeys(range(7), 9.0)}
    seeds = tuple(range(1, 7))
    (*_, (end, _)) = steps(rule, truth, seeds, violates=lambda racer, _: racer == "best")
    assert "03" in end.active
    assert ("best" in end.active) == isinstance(rule, RaceRule)
    assert all("best" not in each.chances for each in end.rounds)
