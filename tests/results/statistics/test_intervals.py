"""Intervals and paired tests, against values worked out by other means."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from results.statistics.intervals import paired_difference, t_interval

finite = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


def test_the_interval_is_students_with_the_sample_spread() -> None:
    """By hand: mean 3, s^2 = 2.5 (not the population's 2), t_{4, .975} = 2.7764 (not the normal 1.96)."""
    interval = t_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval.mean == 3.0
    assert interval.std == pytest.approx(math.sqrt(2.5))
    assert interval.high == pytest.approx(3.0 + 2.7764451 * math.sqrt(2.5 / 5.0), rel=1e-7)
    assert interval.low == pytest.approx(3.0 - 2.7764451 * math.sqrt(2.5 / 5.0), rel=1e-7)
    assert interval.n == 5


def test_the_interval_is_of_the_mean_where_the_median_differs() -> None:
    assert t_interval([0.0, 0.0, 3.0]).mean == pytest.approx(1.0)


@given(st.lists(finite, min_size=2, max_size=12), st.floats(min_value=0.5, max_value=0.99))
def test_the_interval_agrees_with_scipys_one_sample_t_test(values: list[float], confidence: float) -> None:
    interval = t_interval(values, confidence)
    scale = max(1.0, float(np.abs(values).max()))
    if len(set(values)) > 1 and np.std(values) > 1e-9 * scale:
        reference = stats.ttest_1samp(values, 0.0).confidence_interval(confidence)
        assert interval.low == pytest.approx(reference.low, rel=1e-6, abs=1e-6 * scale)
        assert interval.high == pytest.approx(reference.high, rel=1e-6, abs=1e-6 * scale)
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low <= interval.mean <= interval.high


@given(st.lists(finite, min_size=2, max_size=8), finite, st.floats(min_value=0.01, max_value=100.0))
def test_the_interval_moves_and_scales_with_the_values(
    values: list[float], shift: float, factor: float
) -> None:
    plain, moved = t_interval(values), t_interval([factor * value + shift for value in values])
    scale = 1e-6 * (1.0 + abs(shift) + factor * max(map(abs, values)))
    assert moved.mean == pytest.approx(factor * plain.mean + shift, abs=scale)
    assert moved.low is not None
    assert plain.low is not None
    assert moved.low == pytest.approx(factor * plain.low + shift, abs=100 * scale)


@given(st.lists(finite, min_size=2, max_size=8), st.randoms())
def test_the_order_of_seeds_does_not_matter(values: list[float], random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = t_interval(values), t_interval(shuffled)
    assert one.mean == pytest.approx(other.mean, abs=1e-6)
    assert one.high == pytest.approx(other.high, abs=1e-5)


def test_equal_values_have_an_interval_of_no_width() -> None:
    interval = t_interval([0.1, 0.1, 0.1])
    assert (interval.low, interval.mean, interval.high) == (0.1, 0.1, 0.1)


def test_one_seed_has_no_interval_and_says_so() -> None:
    interval = t_interval([0.7])
    assert (interval.low, interval.high, interval.std) == (None, None, None)
    assert str(interval) == "0.7000 (one seed, no interval)"


@pytest.mark.parametrize("values", [[], [float("nan"), 1.0], [float("inf")]])
def test_no_values_and_values_that_are_not_finite_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="an interval needs"):
        t_interval(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_a_confidence_outside_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        t_interval([1.0, 2.0], confidence)


def test_pairs_are_formed_by_seed_and_only_on_common_seeds() -> None:
    pair = paired_difference({1: 0.8, 2: 0.6, 3: 0.7, 9: 0.0}, {3: 0.6, 2: 0.5, 1: 0.7, 4: 5.0})
    assert pair.seeds == (1, 2, 3)
    assert pair.interval.mean == pytest.approx(0.1)


def test_the_sign_flip_test_is_exact() -> None:
    """By enumeration of all 2^n signs, for differences of both signs and with a tie."""
    first = {1: 0.5, 2: 0.9, 3: 0.4, 4: 0.8, 5: 0.6}
    second = {1: 0.4, 2: 0.5, 3: 0.6, 4: 0.5, 5: 0.5}
    differences = np.array([first[seed] - second[seed] for seed in first])
    flips = np.array(list(itertools.product((-1.0, 1.0), repeat=5)))
    means = np.abs((flips * differences).mean(axis=1))
    expected = float((means >= abs(differences.mean()) - 1e-12).mean())
    assert paired_difference(first, second).p_value == pytest.approx(expected)


def test_five_seeds_that_all_agree_reach_the_least_possible_p_value() -> None:
    assert paired_difference(
        dict.fromkeys(range(5), 1.0), dict.fromkeys(range(5), 0.0)
    ).p_value == pytest.approx(2 / 32)


@settings(max_examples=30, deadline=None)
@given(st.lists(finite, min_size=2, max_size=6), st.lists(finite, min_size=6, max_size=6))
def test_swapping_the_two_mirrors_the_interval_and_keeps_the_p_value(
    one: list[float], two: list[float]
) -> None:
    first, second = dict(enumerate(one)), dict(enumerate(two))
    forth, back = paired_difference(first, second), paired_difference(second, first)
    assert forth.interval.mean == pytest.approx(-back.interval.mean, abs=1e-6)
    assert forth.p_value == pytest.approx(back.p_value)


def test_many_seeds_are_sampled_and_repeat_exactly() -> None:
    first, second = {seed: math.sin(seed) for seed in range(20)}, dict.fromkeys(range(20), 0.1)
    assert paired_difference(first, second) == paired_difference(first, second)


def test_one_common_seed_gives_a_difference_without_interval_or_test() -> None:
    pair = paired_difference({1: 0.5}, {1: 0.25})
    assert (pair.interval.mean, pair.interval.low, pair.p_value) == (0.25, None, None)


def test_no_common_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed in common"):
        paired_difference({1: 0.5}, {2: 0.5})


def test_a_mean_of_nothing_but_rounding_has_no_sign() -> None:
    assert str(t_interval([-1e-9, 1e-10])).startswith("0.0000 [0.0000, 0.0000]")
