"""Seeds of search and of confirmation never mix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.seeds import SeedPlan


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 10**6))
def test_confirmation_seeds_are_fresh_and_counted(search: int, confirm: int, first: int) -> None:
    plan = SeedPlan.counted(search, confirm, first)
    assert not set(plan.search) & set(plan.confirm)
    assert (len(plan.search), len(plan.confirm)) == (search, confirm)
    assert plan.all == tuple(range(first, first + search + confirm))


def test_seed_0_is_a_seed() -> None:
    assert SeedPlan.counted(1, 3) == SeedPlan(search=(0,), confirm=(1, 2, 3))


def test_more_confirmation_keeps_the_seeds_that_are_already_run() -> None:
    assert SeedPlan.counted(2, 5, 7).all[:4] == SeedPlan.counted(2, 2, 7).all


def test_a_plan_with_a_seed_on_both_sides_is_refused() -> None:
    with pytest.raises(ValueError, match="both for search and for confirmation"):
        SeedPlan(search=(0, 1), confirm=(1, 2))
