"""The mean of the middle half of many scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

LEAST_SCORES = 20
"""Fewer have no interquartile mean: it would rest on a handful of them."""


def interquartile_mean(scores: Floats) -> float:
    """The mean of the middle half of the scores (see `middle_mean`).

    Less shaken by single collapsed runs than the mean, and less wasteful than the median (Agarwal et al., "Deep
    reinforcement learning at the edge of the statistical precipice", NeurIPS 2021, who pool scores of many tasks and
    seeds). Where scores are skewed it is not an estimate of the mean, and it hides how often runs collapse: show both.

    Args:
        scores: finite, `(n,)`, at least `LEAST_SCORES`.

    Raises:
        ValueError: there are fewer.
    """
    if scores.size < LEAST_SCORES:
        raise ValueError(f"an interquartile mean needs at least {LEAST_SCORES} scores, given {scores.size}")
    return float(middle_mean(scores))


def middle_mean(scores: Floats, axis: int = -1) -> Floats:
    """The mean of what is left without the floor(n / 4) least and the floor(n / 4) greatest of n scores, for any n."""
    return np.asarray(stats.trim_mean(scores, 0.25, axis=axis), dtype=np.float64)
