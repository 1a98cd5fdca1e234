"""The mean of the middle half of many scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEAST_SCORES = 20
"""Fewer have no interquartile mean: it would rest on a handful of them, and its interval covers too little."""


def interquartile_mean(scores: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    """The mean of what is left without the floor(n / 4) least and the floor(n / 4) greatest of n scores: less shaken by
    single collapsed runs than the mean, and less wasteful than the median (Agarwal et al., "Deep reinforcement learning
    at the edge of the statistical precipice", NeurIPS 2021, who pool scores of many tasks and seeds).

    Where scores are skewed it is not an estimate of the mean. It hides how often runs collapse: show both.

    Args:
        scores: finite, at least `LEAST_SCORES` along the axis.
        axis: along which.

    Raises:
        ValueError: there are fewer.
    """
    count = scores.shape[axis]
    if count < LEAST_SCORES:
        raise ValueError(f"an interquartile mean needs at least {LEAST_SCORES} scores, given {count}")
    return np.asarray(stats.trim_mean(scores, 0.25, axis=axis), dtype=np.float64)
