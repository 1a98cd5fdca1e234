"""Several objectives at once: who is beaten by whom, in which order the rest stands, and where the front bends.

A point dominates another one if it is at least as good in every objective and better in one. The Pareto front is what
nothing dominates, the next front what nothing but the first dominates, and so on (non-dominated sorting; Deb et al., "A
fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE Transactions on Evolutionary Computation 2002).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from causalmer_core.measures.metrics import Direction, oriented

Points = Sequence[Sequence[float]]
"""`(points, objectives)`, finite numbers."""

_SAME = 1e-12
"""Distances closer than this are ties: they differ by rounding alone."""


def fronts(points: Points, directions: Sequence[Direction]) -> list[int]:
    """The number of the front that each point is on; 1 is the Pareto front. Equal points are on the same one.

    Args:
        points: `(points, objectives)`.
        directions: of the objectives.
    """
    oriented = _oriented(points, directions)
    found = np.zeros(len(oriented), np.int64)
    number = 0
    while (left := np.flatnonzero(found == 0)).size:
        number += 1
        found[left[~_dominated(oriented[left])]] = number
    return [int(front) for front in found]


def knee(points: Points, directions: Sequence[Direction]) -> int:
    """The place of the point of the Pareto front at which it bends most: gaining a little more in one objective from
    there costs much in the others.

    Each objective is scaled to 0 at the worst and 1 at the best of the front; one in which the front does not differ
    has no part. The knee is the point x farthest beyond the line through the extremes (Das, "On characterizing the
    'knee' of the Pareto curve based on Normal-Boundary Intersection", Structural Optimization 18, 1999), at distance

        d(x) = (x_1 + ... + x_m - 1) / sqrt(m),    m objectives

    For three or more that is from the plane through the corners in which one objective is at its best and the others
    at their worst, whether the front reaches these or not. Das takes the plane through the points that are best in one
    objective each, which there is none of where one point is best in two. Ties, such as a front of two points, go to
    the one that is better in the first objective, then in the next, then to the earlier one.

    Args:
        points: `(points, objectives)`, at least one.
        directions: of the objectives.

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
    """The points with more as better in every objective."""
    signs = np.array([oriented(1.0, direction) for direction in directions])
    turned: NDArray[np.float64] = np.asarray(points, np.float64).reshape(len(points), len(signs)) * signs
    return turned


def _dominated(oriented: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points another one dominates."""
    others, each = oriented[:, None, :], oriented[None, :, :]
    dominates = np.all(others >= each, axis=2) & np.any(others > each, axis=2)
    return np.asarray(dominates.any(axis=0))
