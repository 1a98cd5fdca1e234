"""The confirmation's rules: who is given which seeds, who leaves when, and how often the best one does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.racing import AllRule, HalvingRule, Race, RaceRule, most_runs, race

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
        standing = race(rule, known, seeds, earlier=(0,), higher_is_better=True, **options)  # type: ignore[arg-type]
        yield standing, known
        if not standing.pending:
            return
        for racer in standing.racing:
            known[racer] |= {seed: truth[racer][seed] for seed in standing.pending}


@pytest.mark.parametrize("rule", RULES, ids=str)
@given(st.integers(1, 12), st.integers(1, 9), st.integers(0, 3))
@settings(deadline=None, max_examples=25)
def test_every_rule_ends_with_someone_who_ran_on_all_seeds_of_its_rounds(
    rule: AllRule | HalvingRule | RaceRule, racers: int, count: int, random: int
) -> None:
    seeds = tuple(range(1, count + 1))
    truth = drawn(racers, count, random)
    (*_, (end, known)) = steps(rule, truth, seeds)
    assert end.racing
    runs = sum(len(scores) - 1 for scores in known.values())
    assert runs <= most_runs(rule, racers, count)
    held = [seed for each in end.rounds for seed in each.seeds]
    assert held == list(seeds[: len(held)])
    for racer in truth:
        assert set(end.seeds_of(racer)) == set(known[racer]) - {0}
        assert (end.left_after(racer) is None) == (racer in end.racing)
    for before, after in zip(end.rounds, end.rounds[1:], strict=False):
        assert set(after.racers) == set(before.racers) - set(before.left) - set(before.failed)
    if len(end.racing) > 1:
        assert held == list(seeds)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_what_stands_is_the_same_from_all_records_at_once_in_any_order(
    rule: AllRule | HalvingRule | RaceRule,
) -> None:
    truth = drawn(8, 6)
    seeds = (1, 2, 3, 4, 5, 6)
    (*_, (end, known)) = steps(rule, truth, seeds)
    turned = {racer: known[racer] for racer in reversed(known)}
    assert race(rule, turned, seeds, earlier=(0,), higher_is_better=True) == end
    assert race(rule, truth, seeds, earlier=(0,), higher_is_better=True) == end


def test_a_lower_is_better_score_turns_the_race_round() -> None:
    truth = drawn(6, 5)
    turned = {racer: {s: -float(score or 0) for s, score in row.items()} for racer, row in truth.items()}
    options = {"earlier": (0,)}
    rule = RaceRule(max_error=0.3)
    high = race(rule, truth, (1, 2, 3, 4, 5), higher_is_better=True, **options)  # type: ignore[arg-type]
    low = race(rule, turned, (1, 2, 3, 4, 5), higher_is_better=False, **options)  # type: ignore[arg-type]
    assert high == low
    assert any(each.left for each in high.rounds)


def test_halving_spends_more_seeds_on_fewer() -> None:
    truth = drawn(25, 15)
    (*_, (end, _)) = steps(HalvingRule(), truth, tuple(range(1, 16)))
    assert [(len(each.racers), len(each.seeds)) for each in end.rounds] == [(25, 1), (12, 2), (6, 4), (3, 8)]
    assert most_runs(HalvingRule(), 25, 15) == 25 + 24 + 24 + 24
    best = max(truth, key=lambda racer: sum(float(s or 0) for s in truth[racer].values()))
    assert best in end.racing


def test_a_race_lets_only_those_go_that_together_hold_no_more_than_the_error() -> None:
    rule = RaceRule(max_error=0.2)
    (*_, (end, _)) = steps(rule, drawn(10, 8, spread=0.8), tuple(range(1, 9)))
    gone = [each.chances[racer] for each in end.rounds for racer in each.left]
    assert gone
    assert sum(gone) <= 0.2
    assert end.rounds[-1].left == ()
    assert end.last_chance(end.racing[0]) == end.rounds[-1].chances[end.racing[0]]


def test_a_racer_without_a_score_is_out_and_leaves_the_others_their_seeds() -> None:
    truth = {racer: dict(scores) for racer, scores in drawn(4, 3).items()}
    truth["03"][2] = None
    (*_, (end, known)) = steps(AllRule(), truth, (1, 2, 3))
    assert end.rounds[0].failed == ("03",)
    assert end.racing == ("00", "01", "02")
    (*_, (end, known)) = steps(RaceRule(max_error=0.01), truth, (1, 2, 3))
    assert end.rounds[1].failed == ("03",)
    assert 3 not in known["03"]
    assert end.left_after("03") is None
    assert "03" not in end.racing


def test_one_alone_is_not_raced_but_runs_where_all_do() -> None:
    assert race(RaceRule(), {"a": {0: 1.0}}, (1, 2), earlier=(0,), higher_is_better=True).pending == ()
    assert race(AllRule(), {"a": {0: 1.0}}, (1, 2), earlier=(0,), higher_is_better=True).pending == (1, 2)
    assert most_runs(RaceRule(), 1, 2) == 0


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_the_best_of_those_that_race_leaves_no_more_often_than_stated(noise: float) -> None:
    """200 simulated races of ten out of forty configurations over eight seeds, at a stated error of 0.1."""
    random = np.random.default_rng(int(10 * noise))
    lost = 0
    for _ in range(200):
        means = random.normal(size=40)
        scores = means[:, None] + noise * random.normal(size=(40, 9))
        lead = np.argsort(-scores[:, 0])[:10]
        outcomes = {str(i): {seed: float(scores[i, seed]) for seed in range(9)} for i in lead}
        end = race(
            RaceRule(max_error=0.1),
            outcomes,
            range(1, 9),
            earlier=(0,),
            searched=scores[:, 0].tolist(),
            higher_is_better=True,
        )
        lost += str(lead[means[lead].argmax()]) not in end.racing
    assert lost / 200 <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 200)
    assert lost > 0, "nobody ever leaves"


@pytest.mark.parametrize("rule", [RaceRule(), HalvingRule()], ids=str)
def test_who_violates_a_constraint_drives_nobody_out(rule: HalvingRule | RaceRule) -> None:
    """The far best one violates it: of the others none leaves because of it, and the best of them stays."""
    truth = drawn(4, 6, spread=0.01) | {"best": dict.fromkeys(range(7), 9.0)}
    seeds = tuple(range(1, 7))
    (*_, (end, _)) = steps(rule, truth, seeds, violates=lambda racer, _: racer == "best")
    assert "03" in end.racing
    assert ("best" in end.racing) == isinstance(rule, RaceRule)
    assert all("best" not in each.chances for each in end.rounds)
