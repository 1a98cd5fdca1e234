"""The chance of being the best: known cases, invariances, and calibration against simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from results.chances import chances_of_being_best

SCORES = arrays(
    np.float64, st.tuples(st.integers(2, 6), st.integers(2, 5)), elements=st.floats(-3, 3, width=32)
)


@given(SCORES)
@settings(deadline=None)
def test_chances_are_a_distribution_and_follow_the_order_of_the_means(scores: np.ndarray) -> None:
    chances = chances_of_being_best(scores)
    assert chances.sum() == pytest.approx(1.0)
    assert (chances >= 0).all()
    order = np.argsort(scores.mean(axis=1))
    assert (np.diff(chances[order]) >= -1e-9).all()


@given(SCORES, st.floats(0.1, 10), st.floats(-5, 5))
@settings(deadline=None)
def test_units_of_the_score_and_luck_that_a_seed_gives_to_all_do_not_matter(
    scores: np.ndarray, unit: float, shift: float
) -> None:
    scores = scores + np.random.default_rng(0).normal(size=scores.shape)  # never without any spread
    luck = np.linspace(-1.0, 1.0, scores.shape[1]) * shift
    searched = np.array([0.5, -1.0, 2.0, 0.0])
    expected = chances_of_being_best(scores, searched.tolist())
    assert chances_of_being_best(unit * scores + luck, (unit * searched).tolist()) == pytest.approx(
        expected, abs=1e-6
    )


def test_two_configurations_have_the_chance_that_students_distribution_gives() -> None:
    """Without a prior: P(mu_1 > mu_2) is that of t = difference / standard error with n - 1 degrees of freedom."""
    scores = np.array([[0.71, 0.74, 0.69, 0.75], [0.70, 0.70, 0.71, 0.72]])
    differences = scores[0] - scores[1]
    t = differences.mean() / (differences.std(ddof=1) / 2.0)
    assert chances_of_being_best(scores)[0] == pytest.approx(stats.t.cdf(t, 3), abs=0.004)


def test_where_nothing_can_be_told_all_chances_are_equal() -> None:
    assert chances_of_being_best(np.array([[0.9], [0.1]])) == pytest.approx([0.5, 0.5])
    assert chances_of_being_best(np.array([[0.9, 0.8], [0.2, 0.1]])) == pytest.approx([0.5, 0.5])


def test_where_the_search_found_no_differences_a_good_mean_is_taken_for_luck() -> None:
    scores = np.random.default_rng(1).normal(size=(4, 5))
    equal = chances_of_being_best(scores, [0.0, 0.01, -0.01, 0.0])
    assert equal == pytest.approx([0.25] * 4)
    assert chances_of_being_best(scores, [-9.0, 0.0, 9.0]).max() > 0.3


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_chances_come_true_as_often_as_they_say(ratio: float) -> None:
    """Over 300 simulated sweeps of 30 configurations: the best of the five that lead, on four seeds."""
    random = np.random.default_rng(int(10 * ratio))
    said, true = np.zeros((300, 5)), np.zeros((300, 5))
    for repetition in range(300):
        means = random.normal(size=30)
        searched = means + ratio * random.normal(size=30)
        lead = np.argsort(-searched)[:5]
        fresh = means[lead, None] + ratio * random.normal(size=(5, 3))
        scores = np.column_stack([searched[lead], fresh]) + random.normal(size=4)  # a seed's luck for all
        said[repetition] = chances_of_being_best(scores, searched.tolist())
        true[repetition, means[lead].argmax()] = 1.0
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 0.9)):
        some = (said >= low) & (said < high)
        error = 3.5 * np.sqrt(max(true[some].mean() * (1 - true[some].mean()), 0.004) / some.sum())
        assert true[some].mean() == pytest.approx(said[some].mean(), abs=error + 0.02), (low, high)
