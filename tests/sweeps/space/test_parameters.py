"""A searched parameter has a value at each share, and its values have the shares that they should have."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.space.parameters import Choice, FloatRange, IntRange, SearchedParameter
from sweeps.space.search_space import SearchSpace

FROZEN = json.loads((Path(__file__).parents[2] / "goldens" / "sobol_points.json").read_text(encoding="utf-8"))
"""Values at shares, computed by the code before `at`."""

ALMOST_ONE = math.nextafter(1.0, 0.0)
SHARES = st.floats(0.0, ALMOST_ONE)


@st.composite
def float_ranges(draw: st.DrawFn) -> FloatRange:
    if draw(st.booleans()):
        low, steps, step = draw(st.integers(-50, 50)), draw(st.integers(1, 20)), draw(st.integers(1, 7))
        return FloatRange(bounds=(low / 10, (low + steps * step) / 10), step=step / 10)
    log = draw(st.booleans())
    low, high = sorted(draw(st.tuples(*[st.floats(1e-6 if log else -1e6, 1e6)] * 2)))
    return FloatRange(bounds=(low, high), log=log)


@st.composite
def int_ranges(draw: st.DrawFn) -> IntRange:
    log = draw(st.booleans())
    low, width = draw(st.integers(1 if log else -1000, 1000)), draw(st.integers(0, 1000))
    step = 1 if log else draw(st.integers(1, max(width, 1)))
    return IntRange(bounds=(low, low + width), log=log, step=step)


def choices() -> st.SearchStrategy[Choice]:
    kinds = (st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text(max_size=4))
    lists = st.one_of(*(st.lists(kind, min_size=1, max_size=6, unique=True) for kind in kinds))
    return lists.map(lambda options: Choice(options=tuple(options)))


@given(float_ranges() | int_ranges() | choices(), SHARES)
def test_the_value_at_each_share_is_one_of_the_parameters_values(
    parameter: SearchedParameter, u: float
) -> None:
    value = parameter.at(u)
    assert parameter.contains(value)
    assert parameter.canonical(value) == value
    assert type(parameter.canonical(value)) is type(value)


@given(float_ranges() | int_ranges(), SHARES, SHARES)
def test_the_values_of_a_range_rise_with_the_share(
    parameter: FloatRange | IntRange, one: float, other: float
) -> None:
    first, second = parameter.at(min(one, other)), parameter.at(max(one, other))
    is_log_continuum = isinstance(parameter, FloatRange) and parameter.log
    # The exponential of the C library is exact to the last digit only.
    assert first <= second or (is_log_continuum and math.isclose(first, second, rel_tol=1e-15))


@given(float_ranges() | int_ranges() | choices())
def test_the_shares_reach_from_the_first_value_to_the_last(parameter: SearchedParameter) -> None:
    corners = parameter.corners()
    ends = (parameter.at(0.0), parameter.at(ALMOST_ONE))
    if isinstance(parameter, FloatRange) and parameter.step is None:
        assert ends == pytest.approx(corners, rel=1e-12, abs=1e-9 if not parameter.log else 0.0)
    else:
        assert ends == (corners[0], corners[-1])


@given(float_ranges() | int_ranges() | choices())
def test_steps_and_options_have_equal_shares(parameter: SearchedParameter) -> None:
    count = parameter.count()
    if count is None or (isinstance(parameter, IntRange) and parameter.log):
        return
    middles = [(index + 0.5) / count for index in range(count)]
    assert [parameter.at(u) for u in middles] == list(parameter.options_in_order())


@settings(max_examples=20)
@given(st.integers(1, 30), st.integers(0, 30))
def test_a_whole_number_on_a_log_range_has_the_share_that_rounds_to_it(low: int, width: int) -> None:
    parameter = IntRange(bounds=(low, low + width), log=True)
    grid = 20_000
    drawn = Counter(parameter.at((index + 0.5) / grid) for index in range(grid))
    whole = math.log(low + width + 0.5) - math.log(low - 0.5)
    for value in parameter.values():
        expected = (math.log(value + 0.5) - math.log(value - 0.5)) / whole
        assert drawn[value] / grid == pytest.approx(expected, abs=2 / grid)


@given(float_ranges() | int_ranges() | choices())
def test_a_distribution_describes_the_same_values(parameter: SearchedParameter) -> None:
    described = parameter.distribution()
    if isinstance(parameter, Choice):
        assert described == (parameter.options,)
    else:
        assert described == (*parameter.corners(), parameter.log, parameter.step)


@pytest.mark.parametrize("path", FROZEN["at"])
def test_values_at_shares_are_those_of_before(path: str) -> None:
    entry = SearchSpace.model_validate_json(json.dumps(FROZEN["space"]))[path]
    assert isinstance(entry, SearchedParameter)
    found = [entry.at(u) for u in FROZEN["shares"]]
    assert [repr(value) for value in found] == [repr(value) for value in FROZEN["at"][path]]
