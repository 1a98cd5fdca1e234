"""Welch's difference: known values, and what it covers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from results.statistics.intervals import welch_difference


def test_it_is_the_textbook_formula() -> None:
    """Means 3 and 7, variances 2.5 and 10 over five each: v = (0.5 + 2)^2 / (0.5^2 / 4 + 2^2 / 4) = 5.882."""
    found = welch_difference([1, 2, 3, 4, 5], [3, 5, 7, 9, 11])
    assert found is not None
    interval, p_value = found
    freedom, spread = 6.25 / (0.0625 + 1.0), 2.5**0.5
    assert interval.mean == pytest.approx(-4)
    assert interval.low == pytest.approx(-4 - stats.t.ppf(0.975, freedom) * spread)
    assert p_value == pytest.approx(2 * stats.t.sf(4 / spread, freedom))


def test_it_differs_from_the_t_test_that_pools_variances() -> None:
    one, two = [0.0, 1.0, 2.0], [3.0, 3.1, 3.2, 3.3, 3.4, 3.5, 3.6, 3.7]
    found = welch_difference(one, two)
    assert found is not None
    assert abs(found[1] - stats.ttest_ind(one, two).pvalue) > 0.01


def test_one_value_tells_no_spread() -> None:
    assert welch_difference([1.0], [1.0, 2.0]) is None


@pytest.mark.parametrize(("other", "p_value"), [(1.0, 1.0), (2.0, 0.0)])
def test_without_any_spread_the_difference_is_exact(other: float, p_value: float) -> None:
    found = welch_difference([1.0, 1.0], [other, other])
    assert found is not None
    assert (found[0].low, found[0].high, found[1]) == (1.0 - other, 1.0 - other, p_value)


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        welch_difference([1.0, float("nan")], [1.0, 2.0])


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        found = welch_difference(rng.normal(1.0, 1.0, 4).tolist(), rng.normal(0.0, 3.0, 7).tolist())
        assert found is not None
        low, high = found[0].low, found[0].high
        assert low is not None
        assert high is not None
        covered += low <= 1.0 <= high
    assert covered / 2000 == pytest.approx(0.95, abs=0.02)
