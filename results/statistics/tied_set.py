"""The tied set: the configurations that are not distinguishable from the best one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from causalmer_core.basics.validation import Frozen
from causalmer_core.measures.metrics import Direction, oriented
from results.statistics.paired import holm, least_p, sign_flip_p

Test = Literal["sign_flip", "t", "none"]
Floats = NDArray[np.float64]

_NO_SPREAD = 1e-9
"""Differences that spread less than this share of the largest of them differ by rounding alone."""


class TiedSet(Frozen):
    """The configurations that are not distinguishable from the one with the best mean.

    Attributes:
        best: the configuration with the best mean.
        tied: the configurations that are not distinguishable from the best, which is included, in the order given.
        p_values: of the paired difference of each other configuration from the best, Holm-corrected; empty without a
            test.
        seeds: the seeds that all configurations have. Other seeds are ignored.
        test: `sign_flip`; `t` where there are too few seeds for sign flips to reach the level; `none` for one seed or
            one configuration.
        level: significance level; an adjusted p at or below it separates a configuration from the best.
    """

    best: str
    tied: tuple[str, ...]
    p_values: dict[str, float]
    seeds: tuple[int, ...]
    test: Test
    level: float

    @property
    def method(self) -> str:
        """How the configurations were compared, in words."""
        count = len(self.seeds)
        over = f"over {count} common seeds"
        if not self.p_values:
            return (
                "one seed cannot distinguish configurations" if count == 1 else "there is nothing to compare"
            )
        if self.test == "sign_flip":
            return f"sign-flip test {over}, Holm-corrected, level {self.level:g}"
        needed = seeds_needed(len(self.p_values), self.level)
        return (
            f"paired t test {over}, Holm-corrected, level {self.level:g}; it assumes normal differences, "
            f"the sign-flip test needs {needed} seeds"
        )


def tied_set(
    scores: Mapping[str, Mapping[int, float]],
    *,
    direction: Direction,
    rng: np.random.Generator,
    level: float = 0.05,
) -> TiedSet:
    """The configurations that are not distinguishable from the best one, on the seeds that all of them have.

    The configuration with the best mean is compared with each other one by paired differences. A p-value at or below
    the level, after Holm's correction for the number of comparisons, separates a configuration from the best.

    The test is the sign-flip test where n seeds can reach the level after correction. For m comparisons that takes
    2^(1 - n) m <= level: 7 seeds for 2 comparisons, 9 seeds for 9. With fewer seeds the test is Student's paired t
    test, which assumes normal differences. The choice of the test depends on the numbers of seeds and configurations,
    never on the scores. Differences that are all equal have no spread, so only sign flips can separate them.

    A configuration in the set need not be as good as the best: few seeds make large sets. The same scores choose the
    best configuration, and Holm's correction does not account for this choice. benchmarks/coverage.py simulates how
    often the set contains the truly best configuration.

    Args:
        scores: finite scores by configuration and seed.
        direction: whether a higher (`max`) or a lower (`min`) score is better. Of equal means the first is the best.
        rng: draws sign flips for more than `paired.EXACT_SIGN_FLIPS` seeds.
        level: significance level, between 0 and 1, default 0.05.

    Raises:
        ValueError: there is no configuration, or no seed that all of them have.
    """
    if not scores:
        raise ValueError("a tied set needs at least one configuration")
    seeds = tuple(sorted(set.intersection(*(set(each) for each in scores.values()))))
    if not seeds:
        raise ValueError("a tied set needs a seed in common")
    rows = {name: np.array([each[seed] for seed in seeds]) for name, each in scores.items()}
    best = max(rows, key=lambda name: oriented(float(rows[name].mean()), direction))
    others = [name for name in rows if name != best]
    if not others or len(seeds) == 1:
        return TiedSet(best=best, tied=tuple(rows), p_values={}, seeds=seeds, test="none", level=level)
    exact = len(seeds) >= seeds_needed(len(others), level)
    differences = np.array([rows[best] - rows[name] for name in others])
    raw = [sign_flip_p(each, rng) for each in differences] if exact else _t_test_p(differences)
    adjusted = dict(zip(others, holm(raw), strict=True))
    return TiedSet(
        best=best,
        tied=tuple(name for name in rows if name == best or adjusted[name] > level),
        p_values=adjusted,
        seeds=seeds,
        test="sign_flip" if exact else "t",
        level=level,
    )


def seeds_needed(comparisons: int, level: float) -> int:
    """The least number of seeds with which sign flips can reach the level after Holm's correction."""
    seeds = 1
    while comparisons * least_p(seeds) > level:
        seeds += 1
    return seeds


def _t_test_p(differences: Floats) -> list[float]:
    """The two-sided p-value of each row of (comparisons, n) by Student's t; 1 without spread.

    t = mean / (s / sqrt(n)) with n - 1 degrees of freedom.
    """
    count = differences.shape[1]
    spread = np.ptp(differences, axis=1) > _NO_SPREAD * np.abs(differences).max(axis=1)
    error = differences.std(axis=1, ddof=1) / math.sqrt(count)
    t = np.abs(differences.mean(axis=1)) / np.where(spread, error, np.inf)
    found: list[float] = (2.0 * stats.t.sf(t, count - 1)).tolist()
    return found
