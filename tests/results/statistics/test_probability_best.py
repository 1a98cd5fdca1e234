"""The chance of being the best: known cases, invariances, and calibration against simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from results.statistics.probability_best import probability_best

SCORES = arrays(
    np.float64, st.tuples(st.integers(2, 6), st.integers(2, 5)), elements=st.floats(-3, 3, width=32)
)


@given(SCORES)
@settings(deadline=None)
def test_chances_are_a_distribution_and_follow_the_order_of_the_means(scores: np.ndarray) -> None:
    chances = probability_best(scores)
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
    expected = probability_best(scores, searched.tolist())
    assert probability_best(unit * scores + luck, (unit * searched).tolist()) == pytest.approx(
        expected, abs=1e-6
    )


def test_chances_are_those_of_the_model_by_brute_force() -> None:
    """Six were searched, three raced, one of these left after a seed: t and s on a fine grid, each with the joint
    normal distribution of all scores, in which the effect of a seed has a spread without bounds.
    """
    searched = [0.1, 0.9, 0.4, 1.3, -0.2, 1.1]
    scores = np.array([[1.3, 0.9, 1.2], [1.1, 1.0, 0.7], [0.9, 0.2, np.nan]])
    config = np.array([0, 1, 2, 3, 4, 5, 3, 5, 1, 3, 5])
    seed = np.array([0] * 6 + [1] * 3 + [2] * 2)
    y = np.array([*searched, 0.9, 1.0, 0.2, 1.2, 0.7])
    same, together = config[:, None] == config, (seed[:, None] == seed) * 1e4
    towards = (config == 3) * 1.0 - (config == 5)
    ratios, spreads = np.tan(np.pi / 2 * (np.arange(80) + 0.5) / 80), np.geomspace(0.02, 20.0, 100)
    s, t = spreads[:, None, None, None], ratios[:, None, None] * spreads[:, None, None, None]
    covariance = t**2 * same + together + s**2 * np.eye(len(y))
    weights = np.exp(
        -0.5 * (np.linalg.solve(covariance, y[:, None])[..., 0] @ y + np.linalg.slogdet(covariance)[1])
    )
    towards_solved = np.linalg.solve(covariance, t**2 * towards[:, None])[..., 0]
    difference = towards_solved @ y
    variance = t[..., 0, 0] ** 2 * (2.0 - towards_solved @ towards)
    expected = np.average(stats.norm.cdf(difference / np.sqrt(variance)), weights=weights)
    chances = probability_best(scores, searched)
    assert chances[0] == pytest.approx(expected, abs=0.002)
    assert chances[2] == 0.0


def test_two_seeds_never_make_sure_of_more_than_they_can() -> None:
    """A difference of a hundred standard errors on two seeds comes about now and then where s is unknown."""
    apart = np.array([[1.01, 0.99], [0.0, 0.0]])
    assert 1e-4 < probability_best(apart)[1] < 0.05


def test_where_nothing_can_be_told_all_chances_are_equal() -> None:
    assert probability_best(np.array([[0.9], [0.1]])) == pytest.approx([0.5, 0.5])
    assert probability_best(np.full((4, 3), 0.7)) == pytest.approx([0.25] * 4)
    assert probability_best(np.array([[0.9, 0.8], [0.9, np.nan]])).tolist() == [1.0, 0.0]


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
        said[repetition] = probability_best(scores, searched.tolist())
        true[repetition, means[lead].argmax()] = 1.0
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 0.9)):
        some = (said >= low) & (said < high)
        error = 3.5 * np.sqrt(max(true[some].mean() * (1 - true[some].mean()), 0.004) / some.sum())
        assert true[some].mean() == pytest.approx(said[some].mean(), abs=error + 0.02), (low, high)
