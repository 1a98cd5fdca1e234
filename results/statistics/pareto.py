"""Pareto dominance of several objectives: the fronts, and the knee of the first front.

A point dominates another one if it is at least as good in every objective and better in one. The Pareto front is the
set of points that no point dominates. The next front is the Pareto front of the rest, and so on (non-dominated sorting;
Deb et al., "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE Transactions on Evolutionary
Computation 2002).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from causalmer_core.measures.metrics import Direction, oriented

Points = Sequence[Sequence[float]]
"""Finite numbers, shape (points, objectives)."""

_SAME = 1e-12
"""Distances closer than this are ties: they differ by rounding alone."""


def fronts(points: Points, directions: Sequence[Direction]) -> list[int]:
    """The number of each point's front, from 1, the Pareto front. Equal points are on the same front.

    Args:
        points: shape (points, objectives).
        directions: one per objective.

    Returns:
        One number per point, in the order of the points.
    """
    oriented = _oriented(points, directions)
    found = np.zeros(len(oriented), np.int64)
    number = 0
    while (left := np.flatnonzero(found == 0)).size:
        number += 1
        found[left[~_dominated(oriented[left])]] = number
    return [int(front) for front in found]


def knee(points: Points, directions: Sequence[Direction]) -> int:
    """The index of the knee: the point of the Pareto front at which the front bends most.

    From the knee a small gain in one objective costs much in the others. Each objective is scaled to 0 at the worst and
    1 at the best of the front. An objective that is equal on the whole front is ignored. The knee is the point x
    farthest beyond the line through the extremes, at distance

        d(x) = (x_1 + ... + x_m - 1) / sqrt(m),    m objectives

    Source: Das, "On characterizing the 'knee' of the Pareto curve based on Normal-Boundary Intersection", Structural
    Optimization 18, 1999.

    For three or more objectives the distance is from a plane through corners. In each corner one objective is at its
    best and the others are at their worst; the front need not reach the corners. Das takes the plane through the points
    that are best in one objective each. That plane does not exist if one point is best in two objectives.

    A tie, such as a front of two points, goes to the point that is better in the first objective, then in the next. Of
    equal points the earlier one is taken.

    Args:
        points: shape (points, objectives), at least one point.
        directions: one per objective.

    Raises:
        ValueError: there is no point.
    """
    oriented = _oriented(points, directions)
    if not len(oriented):
        raise ValueError("no point has no knee")
    front = np.flatnonzero(~_dominated(oriented))
    values = oriented[front]
    span = np.ptp(values, axis=0)
    differs = span > 0
    if not differs.any():
        return int(front[0])
    scaled = (values[:, differs] - values[:, differs].min(axis=0)) / span[differs]
    distances = (scaled.sum(axis=1) - 1.0) / np.sqrt(scaled.shape[1])
    tied = np.flatnonzero(distances >= distances.max() - _SAME)
    best = max(tied.tolist(), key=lambda place: (*values[place].tolist(), -place))
    return int(front[best])


def _oriented(points: Points, directions: Sequence[Direction]) -> NDArray[np.float64]:
    """The points turned so that higher is better in every objective, shape (points, objectives)."""
    signs = np.array([oriented(1.0, direction) for direction in directions])
    turned: NDArray[np.float64] = np.asarray(points, np.float64).reshape(len(points), len(signs)) * signs
    return turned


def _dominated(oriented: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether another point dominates each point, shape (points,)."""
    others, each = oriented[:, None, :], oriented[None, :, :]
    dominates = np.all(others >= each, axis=2) & np.any(others > each, axis=2)
    return np.asarray(dominates.any(axis=0))
