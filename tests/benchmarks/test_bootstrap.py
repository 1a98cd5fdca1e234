"""Bootstrap intervals: where there are none, that they differ where they should, and that generators decide."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))  # its files are scripts

from bootstrap import LEAST_SCORES, Estimate, Method, bootstrap_ends, bootstrap_interval
from interquartile_mean import interquartile_mean

SKEWED = np.random.default_rng(3).exponential(size=30).tolist()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ends(estimate: Estimate) -> tuple[float, float]:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.high


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_equal_generators_give_equal_intervals(method: Method) -> None:
    one, same = (bootstrap_interval(SKEWED, rng=rng(), method=method) for _ in range(2))
    assert one == same
    assert one != bootstrap_interval(SKEWED, rng=rng(1), method=method)


def test_percentiles_are_those_of_the_resampled_means() -> None:
    draws = rng(5).integers(0, 30, (40_000, 30))
    expected = np.quantile(np.array(SKEWED)[draws].mean(axis=1), [0.025, 0.975])
    assert ends(bootstrap_interval(SKEWED, rng=rng(), method="percentile")) == pytest.approx(
        expected, abs=0.02
    )


def test_bca_reaches_further_into_the_long_tail_than_percentiles() -> None:
    low, high = ends(bootstrap_interval(SKEWED, rng=rng()))
    low_plain, high_plain = ends(bootstrap_interval(SKEWED, rng=rng(), method="percentile"))
    assert low > low_plain + 0.01
    assert high > high_plain + 0.01


def test_the_interquartile_mean_is_the_mean_of_the_middle_half() -> None:
    """Where mean and median are others: of 0 to 19 cubed the 5 least and the 5 greatest are left out."""
    scores = [float(i**3) for i in range(20)]
    estimate = bootstrap_interval(scores, rng=rng(), statistic="interquartile_mean")
    assert estimate.value == pytest.approx(np.mean(scores[5:15]))
    assert abs(estimate.value - np.mean(scores)) > 100
    assert abs(estimate.value - np.median(scores)) > 100
    low, high = ends(estimate)
    assert low < estimate.value < high
    assert (estimate.n, estimate.method) == (20, "BCa bootstrap")


def test_bca_of_the_least_scores_holds_one_out_though_19_are_too_few() -> None:
    scores = np.random.default_rng(1).normal(size=LEAST_SCORES).tolist()
    assert bootstrap_interval(scores, rng=rng(), statistic="interquartile_mean").method == "BCa bootstrap"


def test_too_few_scores_have_no_interquartile_mean() -> None:
    with pytest.raises(ValueError, match="at least 20 scores, given 19"):
        interquartile_mean(np.zeros(19))
    with pytest.raises(ValueError, match="at least 20 scores, given 5"):
        bootstrap_interval([1.0] * 5, rng=rng(), statistic="interquartile_mean")


def test_too_few_scores_have_a_mean_without_interval_and_say_so() -> None:
    one = bootstrap_interval([0.7], rng=rng())
    assert (one.value, one.low, one.high) == (0.7, None, None)
    assert str(one) == "0.7000 (one seed, no interval)"
    few = bootstrap_interval([0.7, 0.8, 0.9], rng=rng())
    assert (few.low, few.high) == (None, None)
    assert str(few) == f"0.8000 (3 scores, no interval: a bootstrap needs {LEAST_SCORES})"


def test_strata_are_resampled_apart() -> None:
    """Two strata far from each other: within them scores hardly vary, pooled they do."""
    random = rng(7)
    strata = [(0.2 + 0.01 * random.normal(size=20)).tolist(), (0.8 + 0.01 * random.normal(size=20)).tolist()]
    low, high = ends(apart := bootstrap_interval(*strata, rng=rng()))
    assert apart.value == pytest.approx(0.5, abs=0.01)
    assert "2 strata" in apart.method
    assert high - low == pytest.approx(4 * 0.01 / np.sqrt(40), rel=0.3)
    together_low, together_high = ends(bootstrap_interval([*strata[0], *strata[1]], rng=rng()))
    assert together_high - together_low > 20 * (high - low)


def test_a_stratum_with_too_few_scores_leaves_no_interval() -> None:
    estimate = bootstrap_interval(SKEWED, [1.0, 2.0], rng=rng())
    assert (estimate.low, estimate.n) == (None, 32)
    assert "in each stratum" in estimate.method


def test_scores_without_spread_have_an_interval_of_no_width_and_say_how() -> None:
    estimate = bootstrap_interval([0.25] * 20, rng=rng())
    assert (estimate.value, *ends(estimate)) == (0.25, 0.25, 0.25)
    assert estimate.method == "percentile bootstrap, BCa is undefined here"


def test_many_intervals_at_once_are_those_of_scipy() -> None:
    scores = rng(2).normal(size=(3, 25))
    low, high, corrected = bootstrap_ends([scores], rng(), resamples=999)
    assert corrected.all()
    for row, a, b in zip(scores, low, high, strict=True):
        reference = stats.bootstrap((row,), np.mean, n_resamples=999, rng=rng()).confidence_interval
        assert (a, b) == pytest.approx((reference.low, reference.high))


@pytest.mark.parametrize("scores", [[], [float("nan")] * 20])
def test_no_scores_and_scores_that_are_not_finite_are_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="a bootstrap needs"):
        bootstrap_interval(scores, rng=rng())
    with pytest.raises(ValueError, match="between 0 and 1"):
        bootstrap_interval(SKEWED, rng=rng(), confidence=95)
