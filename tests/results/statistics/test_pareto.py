"""Fronts and knees: by definition, whatever the units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.statistics.pareto import fronts, knee

Direction = Literal["max", "min"]
DIRECTIONS: tuple[Direction, ...] = ("max", "min", "max")
POINTS = st.lists(st.tuples(*[st.integers(0, 6).map(float)] * 3), min_size=1, max_size=20)


def dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    signed = [(x, y) if d == "max" else (-x, -y) for x, y, d in zip(a, b, DIRECTIONS, strict=True)]
    return all(x >= y for x, y in signed) and any(x > y for x, y in signed)


@given(POINTS)
def test_a_front_is_what_only_earlier_fronts_dominate(points: list[tuple[float, ...]]) -> None:
    found = fronts(points, DIRECTIONS)
    for point, front in zip(points, found, strict=True):
        above = [
            other for other, at in zip(points, found, strict=True) if dominates(other, point) and at == front
        ]
        assert not above
        before = [other for other, at in zip(points, found, strict=True) if at == front - 1]
        assert front == 1 or any(dominates(other, point) for other in before)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_points_has_no_part_in_their_fronts(
    points: list[tuple[float, ...]], order: object
) -> None:
    shuffled = list(range(len(points)))
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    found = fronts(points, DIRECTIONS)
    assert fronts([points[place] for place in shuffled], DIRECTIONS) == [found[place] for place in shuffled]


@given(POINTS)
def test_the_knee_is_on_the_front_and_does_not_depend_on_units(points: list[tuple[float, ...]]) -> None:
    place = knee(points, DIRECTIONS)
    assert fronts(points, DIRECTIONS)[place] == 1
    scaled = [(1024.0 * a - 3.0, b / 4.0, c + 8.0) for a, b, c in points]
    assert knee(scaled, DIRECTIONS) == place
    mirrored = [(a, -b, c) for a, b, c in points]
    assert knee(mirrored, ("max", "max", "max")) == place


def test_the_knee_is_where_the_front_bends() -> None:
    """Accuracy against parameters: the second costs a tenth of the third and is hardly worse."""
    points = [(0.60, 100.0), (0.78, 200.0), (0.80, 2000.0), (0.77, 300.0)]
    assert fronts(points, ("max", "min")) == [1, 1, 1, 2]
    assert knee(points, ("max", "min")) == 1


@pytest.mark.parametrize(
    ("points", "place"),
    [
        ([(0.5, 3.0)], 0),
        ([(0.5, 3.0), (0.7, 9.0)], 1),  # two extremes: the better one in the first objective
        ([(0.5, 3.0), (0.7, 3.0)], 1),  # one point dominates all
        ([(0.5, 3.0), (0.5, 3.0)], 0),
    ],
)
def test_a_front_without_a_bend_gives_its_best_in_the_first_objective(
    points: list[tuple[float, float]], place: int
) -> None:
    assert knee(points, ("max", "min")) == place
