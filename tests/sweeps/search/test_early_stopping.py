"""Cutting weak trials: bars are a pure function of earlier curves, and never turn good and bad around."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalmer_core.measures.metrics import Direction
from sweeps.search.early_stopping import Curve, misses_threshold, num_brackets, patience, rungs
from sweeps.search.early_stopping import rung_thresholds as bars_of
from sweeps.spec.search_section import (
    AshaScheduler,
    HyperbandScheduler,
    MedianScheduler,
    NoScheduler,
    PatienceScheduler,
    Scheduler,
)

schedulers = st.builds(
    AshaScheduler,
    grace_epochs=st.integers(min_value=1, max_value=5),
    reduction_factor=st.integers(min_value=2, max_value=5),
)
scores = st.floats(min_value=-100, max_value=100)
curves = st.dictionaries(st.integers(min_value=1, max_value=40), scores | st.just(math.nan), max_size=12)


def rung_thresholds(
    scheduler: Scheduler, max_epochs: int, earlier: list[Any], *, direction: Direction
) -> dict[int, float]:
    """Bars from the curves of proposals 0, 1, 2, ..."""
    curves: dict[int, Curve] = dict(enumerate(earlier))
    return bars_of(scheduler, max_epochs, curves, number=len(earlier), direction=direction)


@pytest.mark.parametrize(
    ("grace", "factor", "max_epochs", "expected"),
    [
        (2, 3, 50, (2, 6, 18)),
        (1, 2, 8, (1, 2, 4)),
        (1, 2, 9, (1, 2, 4, 8)),
        (5, 3, 5, ()),
        (4, 2, 5, (4,)),
    ],
)
def test_rungs_grow_by_the_factor_and_the_last_epoch_is_none(
    grace: int, factor: int, max_epochs: int, expected: tuple[int, ...]
) -> None:
    scheduler = AshaScheduler(grace_epochs=grace, reduction_factor=factor)
    assert rungs(scheduler, max_epochs) == expected


def test_without_a_scheduler_nothing_is_cut() -> None:
    assert rungs(NoScheduler(), 50) == ()
    assert rung_thresholds(NoScheduler(), 50, [{1: 0.9}] * 9, direction="max") == {}


def test_a_bar_is_the_score_that_splits_off_the_best_share() -> None:
    scheduler = AshaScheduler(grace_epochs=1, reduction_factor=2)
    earlier = [{1: 0.1, 2: 0.2}, {1: 0.3, 2: 0.3}, {1: 0.5}]
    assert rung_thresholds(scheduler, 3, earlier, direction="max") == {1: 0.3, 2: 0.25}
    third = AshaScheduler(grace_epochs=1, reduction_factor=3)
    four = [{1: score} for score in (0.0, 0.3, 0.6, 0.9)]
    assert rung_thresholds(third, 2, four, direction="max") == {1: pytest.approx(0.6)}
    assert rung_thresholds(third, 2, four, direction="min") == {1: pytest.approx(0.3)}


def test_the_median_rule_has_a_bar_at_every_epoch_that_enough_reached() -> None:
    """Three of five curves reach epoch 3, where the bar is the middle one; two reach epoch 4, which has none."""
    scheduler = MedianScheduler(grace_epochs=2, min_proposals=3)
    earlier = [
        {1: 0.9, 2: 0.9, 3: 0.9, 4: 0.9},
        {1: 0.1, 2: 0.2, 3: 0.3, 4: 0.4},
        {1: 0.2, 2: 0.4, 3: 0.5},
        {1: 0.0, 2: 0.1},
        {1: 0.0},
    ]
    assert rungs(scheduler, 5) == (2, 3, 4)
    for higher in (True, False):
        assert rung_thresholds(scheduler, 5, earlier, direction="max" if higher else "min") == {
            2: pytest.approx(0.3),
            3: 0.5,
        }
    assert rung_thresholds(scheduler, 3, earlier, direction="max") == {2: pytest.approx(0.3)}


def test_brackets_of_hyperband_begin_later_and_the_last_cuts_nothing() -> None:
    scheduler = HyperbandScheduler(grace_epochs=1, reduction_factor=3)
    assert num_brackets(scheduler, 27) == 4
    expected = [(1, 3, 9), (3, 9), (9,), (), (1, 3, 9), (3, 9)]
    assert [rungs(scheduler, 27, number) for number in range(6)] == expected
    assert num_brackets(scheduler, 1) == 1
    assert rungs(scheduler, 1, 5) == ()


def test_hyperband_holds_a_trial_against_its_own_bracket_alone() -> None:
    """Epochs 1 and 2 are rungs, so that there are three brackets; of 0, 3, 6, 9 the best half reach 0.5."""
    scheduler = HyperbandScheduler(grace_epochs=1, reduction_factor=2)
    best = {0: 0.2, 3: 0.4, 6: 0.6, 9: 0.8}
    earlier = {number: {1: best.get(number, 99.0), 2: best.get(number, 5.0)} for number in range(11)}
    assert bars_of(scheduler, 3, earlier, number=12, direction="max") == {1: 0.5, 2: 0.5}
    assert bars_of(scheduler, 3, earlier, number=13, direction="max") == {2: 5.0}
    assert bars_of(scheduler, 3, earlier, number=14, direction="max") == {}


def test_hyperbands_first_bracket_is_asha() -> None:
    curves = [{1: score, 2: score + 0.1} for score in (0.3, 0.1, 0.4, 0.15)]
    earlier = {3 * number: curve for number, curve in enumerate(curves)}
    hyperband = HyperbandScheduler(grace_epochs=1, reduction_factor=2)
    asha = AshaScheduler(grace_epochs=1, reduction_factor=2)
    found = bars_of(hyperband, 3, earlier, number=12, direction="max")
    assert found == rung_thresholds(asha, 3, curves, direction="max")
    assert set(found) == {1, 2}


def test_patience_holds_no_run_against_another() -> None:
    scheduler = PatienceScheduler(epochs=4)
    assert rungs(scheduler, 50) == ()
    assert rung_thresholds(scheduler, 50, [{1: 0.9}] * 9, direction="max") == {}
    assert patience(scheduler) == 4
    assert patience(AshaScheduler()) is None


@given(schedulers, st.integers(min_value=1, max_value=40), st.lists(curves, max_size=10), st.booleans())
def test_a_rung_that_too_few_reached_with_a_number_has_no_bar(
    scheduler: AshaScheduler, max_epochs: int, earlier: list[dict[int, float]], higher: bool
) -> None:
    found = rung_thresholds(scheduler, max_epochs, earlier, direction="max" if higher else "min")
    for rung in rungs(scheduler, max_epochs):
        reached = sum(math.isfinite(curve.get(rung, math.nan)) for curve in earlier)
        assert (rung in found) == (reached >= scheduler.reduction_factor)
    assert set(found) <= set(rungs(scheduler, max_epochs))


@given(schedulers, st.lists(curves, min_size=2, max_size=10), st.randoms(), st.booleans())
def test_the_order_of_earlier_trials_does_not_matter(
    scheduler: AshaScheduler, earlier: list[dict[int, float]], random: object, higher: bool
) -> None:
    shuffled = list(earlier)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = rung_thresholds(scheduler, 40, earlier, direction="max" if higher else "min")
    assert rung_thresholds(scheduler, 40, shuffled, direction="max" if higher else "min") == first


@given(scores, scores, scores, st.booleans())
def test_a_better_score_is_never_cut_where_a_worse_one_goes_on(
    one: float, other: float, bar: float, higher: bool
) -> None:
    better, worse = (max(one, other), min(one, other)) if higher else (min(one, other), max(one, other))
    assert not misses_threshold(better, bar, direction="max" if higher else "min") or misses_threshold(
        worse, bar, direction="max" if higher else "min"
    )


@given(st.lists(scores, min_size=2, max_size=20), st.integers(min_value=2, max_value=5), st.booleans())
def test_at_least_the_best_goes_on_and_scores_at_the_bar_do(
    found: list[float], factor: int, higher: bool
) -> None:
    scheduler = AshaScheduler(grace_epochs=1, reduction_factor=factor)
    bar = rung_thresholds(
        scheduler, 2, [{1: score} for score in found], direction="max" if higher else "min"
    ).get(1)
    if bar is None:
        assert len(found) < factor
        return
    best = max(found) if higher else min(found)
    assert not misses_threshold(best, bar, direction="max" if higher else "min")
    assert not misses_threshold(bar, bar, direction="max" if higher else "min")


@given(st.lists(scores, min_size=2, max_size=20), st.booleans())
def test_turning_every_sign_around_turns_the_direction_around(found: list[float], higher: bool) -> None:
    scheduler = AshaScheduler(grace_epochs=1, reduction_factor=2)
    bar = rung_thresholds(
        scheduler, 2, [{1: score} for score in found], direction="max" if higher else "min"
    )[1]
    mirrored = rung_thresholds(
        scheduler, 2, [{1: -score} for score in found], direction="min" if higher else "max"
    )[1]
    assert mirrored == pytest.approx(-bar)


@pytest.mark.parametrize("higher", [True, False])
def test_what_is_not_a_number_is_always_cut_and_never_moves_a_bar(higher: bool) -> None:
    assert misses_threshold(math.nan, 0.0, direction="max" if higher else "min")
    scheduler = AshaScheduler(grace_epochs=1, reduction_factor=2)
    finite = [{1: 0.1}, {1: 0.3}, {1: 0.7}]
    expected = rung_thresholds(scheduler, 2, finite, direction="max" if higher else "min")
    poisoned = [*finite, {1: math.nan}, {1: math.inf}, {1: -math.inf}]
    assert rung_thresholds(scheduler, 2, poisoned, direction="max" if higher else "min") == expected
