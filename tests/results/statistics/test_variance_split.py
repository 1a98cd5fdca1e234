"""The split of variance between hyperparameters and seeds: by hand, unbiased, and its interval's coverage."""

from __future__ import annotations

import numpy as np
import pytest

from results.statistics.variance_split import VarianceSplit, variance_split


def split(rows: list[list[float]], confidence: float = 0.95) -> VarianceSplit:
    found = variance_split(table(rows), confidence)
    assert found is not None
    return found


def table(rows: list[list[float]]) -> dict[str, dict[int, float]]:
    return {str(i): dict(enumerate(row)) for i, row in enumerate(rows)}


def test_common_seeds_are_split_three_ways_by_hand() -> None:
    """Means 2, 4, 9 and 4, 5, 6 by seed around 5; residuals 0, 0, 0 / 1, 0, -1 / -1, 0, 1 in four degrees of freedom.

    MS_a = 3 (9 + 1 + 16) / 2 = 39, MS_b = 3 (1 + 0 + 1) / 2 = 3, MS_e = 4 / 4 = 1.
    """
    found = split([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0], [7.0, 9.0, 11.0]])
    assert found.seeds == pytest.approx(1.0)
    assert found.hyperparameters == pytest.approx((39 - 1) / 3)
    assert found.common == pytest.approx((3 - 1) / 3)
    assert found.share == pytest.approx((38 / 3) / (38 / 3 + 2 / 3 + 1))
    assert (found.configurations, found.scores) == (3, 9)


def test_unequal_sets_are_split_one_way_by_hand() -> None:
    """Sets {1, 3}, {4, 4, 7}, {9}: means 2, 5, 9 around 28 / 6; MS_e = (2 + 6) / 3; n_0 = (6 - 14 / 6) / 2."""
    found = variance_split({"a": {1: 1.0, 2: 3.0}, "b": {1: 4.0, 2: 4.0, 3: 7.0}, "c": {3: 9.0}})
    assert found is not None
    grand = 28 / 6
    between = (2 * (2 - grand) ** 2 + 3 * (5 - grand) ** 2 + (9 - grand) ** 2) / 2
    assert found.seeds == pytest.approx(8 / 3)
    assert found.hyperparameters == pytest.approx((between - 8 / 3) / (11 / 6))
    assert found.common is None


@pytest.mark.parametrize("sizes", [[4] * 8, [2, 6, 3, 3, 5, 1, 2, 4]])
def test_it_is_unbiased_and_its_interval_covers_the_ratio(sizes: list[int]) -> None:
    """700 simulated sweeps: configurations spread by 3, seeds by 2, and a seed moves all by 1 where it is common."""
    random, crossed = np.random.default_rng(len(set(sizes))), len(set(sizes)) == 1
    found = []
    for _ in range(700):
        alike = random.normal(size=max(sizes)) if crossed else np.zeros(max(sizes))
        means = 3.0 * random.normal(size=len(sizes))
        rows = [m + alike[:n] + 2.0 * random.normal(size=n) for m, n in zip(means, sizes, strict=True)]
        found.append(split([row.tolist() for row in rows]))
    parts = {"hyperparameters": 9.0, "seeds": 4.0, **({"common": 1.0} if crossed else {})}
    for name, truth in parts.items():
        values = np.array([getattr(each, name) for each in found])
        assert values.mean() == pytest.approx(truth, abs=3.5 * values.std() / np.sqrt(700) + 0.03), name
    covered = np.mean([(each.ratio_low or 0) <= 9 / 4 <= (each.ratio_high or 0) for each in found])
    assert covered == pytest.approx(0.95, abs=0.03)


def test_a_negative_estimate_is_cut_off_at_0() -> None:
    found = split([[1.0, 3.0], [3.0, 1.0]])
    assert (found.hyperparameters, found.ratio_low, found.share) == (0.0, 0.0, 0.0)


def test_seeds_that_change_nothing_leave_hyperparameters_alone() -> None:
    found = split([[0.1, 0.1], [0.3, 0.3]])
    assert (found.seeds, found.share, found.ratio_high) == (0.0, 1.0, None)
    assert split([[0.1, 0.1], [0.1, 0.1]]).share is None


def test_where_it_cannot_be_told_there_is_none() -> None:
    assert variance_split(table([[1.0, 2.0, 3.0]])) is None
    assert variance_split(table([[1.0], [2.0]])) is None
    assert variance_split({}) is None
