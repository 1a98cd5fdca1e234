"""The configurations that cannot be told from the best one."""

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
    """The configurations that cannot be told from the one with the best mean.

    Attributes:
        best: the one with the best mean.
        tied: those that cannot be told from it, itself included, in the order given.
        p_values: of each other one's paired difference from the best, corrected by Holm for how many there are; empty
            where nothing was tested.
        seeds: those that all have in common; nothing else was looked at.
        test: `sign_flip`, or `t` where so few seeds cannot reach the level by sign flips; `none` for one seed, which
            tells nothing, and for a configuration without others.
        level: at most so large is the p-value of what is told apart.
    """

    best: str
    tied: tuple[str, ...]
    p_values: dict[str, float]
    seeds: tuple[int, ...]
    test: Test
    level: float

    @property
    def method(self) -> str:
        """How they were compared, in words."""
        count = len(self.seeds)
        over = f"over {count} common seeds"
        if not self.p_values:
            return "one seed tells none apart" if count == 1 else "there is nothing to compare"
        if self.test == "sign_flip":
            return f"sign-flip test {over}, Holm-corrected, level {self.level:g}"
        needed = seeds_needed(len(self.p_values), self.level)
        return (
            f"paired t test {over}, Holm-corrected, level {self.level:g}; it takes differences for normal, "
            f"the sign-flip test needs {needed} seeds"
        )


def tied_set(
    scores: Mapping[str, Mapping[int, float]],
    *,
    direction: Direction,
    rng: np.random.Generator,
    level: float = 0.05,
) -> TiedSet:
    """Which configurations cannot be told from the best one, on the seeds that all have in common.

    The one with the best mean is compared with each other one by their paired differences; those whose p-value, after
    Holm's correction for the number of comparisons, is at most the level are told apart. The test is the sign-flip test
    where n seeds can reach the level after correction, which takes 2^(1 - n) m <= level for m comparisons: 7 seeds for
    2 of them, 9 for 9. Below that it is Student's paired t test, which takes the differences for normal. Which test it
    is follows from the numbers of seeds and configurations, never from the scores. Differences that are all equal have
    no spread to judge them by: they are told apart by sign flips only.

    That a configuration is in the set does not say that it is as good, only that these seeds do not tell; few seeds
    make large sets. The best one is chosen by the same scores, which no step of Holm's allows for; how often the set
    holds the truly best configuration is simulated in benchmarks/coverage.py.

    Args:
        scores: by configuration and seed, finite.
        direction: whether more (`max`) or less (`min`) of a score is better. Of equally good ones the first is the best.
        rng: for more than `sign_flip.EXACT_SIGN_FLIPS` seeds.
        level: between 0 and 1, default 0.05.

    Raises:
        ValueError: there is no configuration, or no seed that all have.
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
    """With how many seeds at least sign flips can tell one of so many configurations from the best."""
    seeds = 1
    while comparisons * least_p(seeds) > level:
        seeds += 1
    return seeds


def _t_test_p(differences: Floats) -> list[float]:
    """The two-sided p-value of each row, t = mean / (s / sqrt(n)) with n - 1 degrees of freedom; 1 without spread."""
    count = differences.shape[1]
    spread = np.ptp(differences, axis=1) > _NO_SPREAD * np.abs(differences).max(axis=1)
    error = differences.std(axis=1, ddof=1) / math.sqrt(count)
    t = np.abs(differences.mean(axis=1)) / np.where(spread, error, np.inf)
    found: list[float] = (2.0 * stats.t.sf(t, count - 1)).tolist()
    return found
