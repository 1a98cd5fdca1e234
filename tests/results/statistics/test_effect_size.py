"""The effect size of paired differences, by hand and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from results.statistics.intervals import paired_difference
from results.statistics.paired import paired_effect_size


def test_it_is_corrected_and_uses_the_sample_spread() -> None:
    """By hand: mean 2, s = 1 (the population's is 0.82), and J(2) = 1 / (sqrt(1) * sqrt(pi))."""
    assert paired_effect_size([1.0, 2.0, 3.0]) == pytest.approx(2.0 / math.sqrt(math.pi))


def test_the_correction_is_about_one_less_three_over_four_m_less_one() -> None:
    """Hedges' own approximation, 1 - 3 / (4 m - 1)."""
    values = np.arange(30.0)
    assert paired_effect_size(values.tolist()) == pytest.approx(
        (1 - 3 / (4 * 29 - 1)) * values.mean() / values.std(ddof=1), rel=1e-4
    )


@pytest.mark.parametrize("truth", [0.0, 0.8, -1.5])
def test_it_is_unbiased_where_the_plain_ratio_is_not(truth: float) -> None:
    draws = np.random.default_rng(1).normal(truth, 1.0, (6000, 5))
    found = np.array([paired_effect_size(row) for row in draws.tolist()], dtype=np.float64)
    error = found.std() / math.sqrt(len(found))
    assert found.mean() == pytest.approx(truth, abs=4 * error)
    if truth:
        plain = (draws.mean(axis=1) / draws.std(axis=1, ddof=1)).mean()
        assert abs(plain) > abs(truth) + 8 * error


def test_too_few_seeds_and_no_spread_have_none() -> None:
    assert paired_effect_size([1.0, 2.0]) is None
    assert paired_effect_size([0.8 - 0.7, 0.6 - 0.5, 0.3 - 0.2]) is None
    assert paired_effect_size([0.0, 0.0, 0.0]) is None


def test_it_stands_beside_the_paired_difference() -> None:
    pair = paired_difference({1: 0.9, 2: 0.8, 3: 0.8}, {1: 0.7, 2: 0.7, 3: 0.8})
    assert pair.effect_size == pytest.approx(paired_effect_size([0.2, 0.1, 0.0]))
    assert paired_difference({1: 0.9, 2: 0.8}, {1: 0.7, 2: 0.7}).effect_size is None
