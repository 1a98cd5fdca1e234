"""Seeds of search, confirmation and evaluation never mix, however many there come to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.spec.seed_plan import SeedPlan


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 1000), st.integers(0, 10**6))
def test_each_purpose_has_seeds_of_its_own(search: int, confirm: int, evaluate: int, first: int) -> None:
    plan = SeedPlan.counted(search, confirm, evaluate, first)
    assert (len(plan.search), len(plan.confirm), len(plan.evaluate)) == (search, confirm, evaluate)
    assert len({*plan.search, *plan.confirm, *plan.evaluate}) == search + confirm + evaluate


def test_seed_0_is_a_seed() -> None:
    assert SeedPlan.counted(1, 3, 2) == SeedPlan(search=(0,), confirm=(1, 2, 3), evaluate=(1000, 1001))


def test_more_seeds_keep_those_that_are_already_run() -> None:
    small, large = SeedPlan.counted(2, 2, 3, 7), SeedPlan.counted(2, 5, 6, 7)
    assert large.search == small.search
    assert large.confirm[:2] == small.confirm
    assert large.evaluate[:3] == small.evaluate


def test_a_plan_with_a_seed_for_two_purposes_is_refused() -> None:
    for seeds in (((0, 1), (1, 2), (5,)), ((0,), (1, 2), (2,)), ((0,), (1,), (0,))):
        with pytest.raises(ValueError, match="serves two purposes"):
            SeedPlan(*seeds)
