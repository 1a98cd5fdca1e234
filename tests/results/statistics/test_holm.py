"""Holm's correction: by hand, between the raw p-values and Bonferroni's, and over all true hypotheses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.statistics.paired import holm

P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)


def test_by_hand_where_bonferroni_and_benjamini_hochberg_differ() -> None:
    """4 x 0.01, 3 x 0.013 (raised to the one before), 2 x 0.04, 1 x 0.2; Bonferroni has 0.04, 0.052, 0.16, 0.8."""
    assert holm([0.04, 0.01, 0.2, 0.013]) == pytest.approx((0.08, 0.04, 0.2, 0.04))


@given(P_VALUES)
def test_it_lies_between_the_raw_p_value_and_bonferronis(p_values: list[float]) -> None:
    for raw, adjusted in zip(p_values, holm(p_values), strict=True):
        assert raw <= adjusted <= min(1.0, len(p_values) * raw) + 1e-12


@given(P_VALUES)
def test_it_keeps_the_order_of_the_p_values(p_values: list[float]) -> None:
    adjusted = np.array(holm(p_values))[np.argsort(p_values, kind="stable")]
    assert (np.diff(adjusted) >= 0).all()


@given(P_VALUES, st.randoms())
def test_the_order_in_which_they_are_given_does_not_matter(p_values: list[float], random: object) -> None:
    order = list(range(len(p_values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert holm([p_values[i] for i in order]) == tuple(np.array(holm(p_values))[order].tolist())


def test_with_true_hypotheses_alone_any_is_rejected_as_often_as_the_level_says() -> None:
    draws = np.random.default_rng(0).uniform(size=(4000, 5))
    wrong = np.mean([min(holm(row)) <= 0.05 for row in draws.tolist()])
    assert wrong == pytest.approx(1 - (1 - 0.05 / 5) ** 5, abs=0.012)


def test_none_are_corrected_to_none() -> None:
    assert holm([]) == ()
