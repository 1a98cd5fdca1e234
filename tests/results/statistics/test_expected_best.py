"""The expected best of n: by brute force, unbiased, and where the plug-in estimate is not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.statistics.expected_best import expected_best

SCORES = st.lists(st.integers(-100, 100).map(lambda x: x / 8), min_size=1, max_size=7)


@given(SCORES, st.booleans())
def test_it_is_the_mean_of_the_best_over_all_subsets(scores: list[float], higher: bool) -> None:
    best = max if higher else min
    found = expected_best(scores, direction="max" if higher else "min")
    assert found.tolist() == pytest.approx(
        [
            float(np.mean([best(subset) for subset in itertools.combinations(scores, n)]))
            for n in range(1, len(scores) + 1)
        ]
    )


@given(SCORES)
def test_one_is_the_mean_all_are_the_best_and_more_is_never_worse(scores: list[float]) -> None:
    found = expected_best(scores, direction="max")
    assert found[0] == pytest.approx(np.mean(scores))
    assert found[-1] == max(scores)
    assert (np.diff(found) >= -1e-9).all()


def test_it_is_unbiased_where_the_estimate_with_replacement_is_too_low() -> None:
    """By enumeration: all 4^4 samples of 4 scores from {0, 1, 2, 6}, equally likely, and the truth of the best of 3."""
    values = (0.0, 1.0, 2.0, 6.0)
    truth = np.mean([max(draw) for draw in itertools.product(values, repeat=3)])
    samples = list(itertools.product(values, repeat=4))
    found = [expected_best(each, direction="max", budgets=[3])[0] for each in samples]
    assert np.mean(found) == pytest.approx(truth)
    places = np.arange(1, 5)
    plug_in = (places / 4) ** 3 - ((places - 1) / 4) ** 3
    assert np.mean([plug_in @ np.sort(each) for each in samples]) < truth - 0.2


def test_thousands_of_scores_do_not_overflow() -> None:
    """Of uniform scores the best of n is n / (n + 1)."""
    scores = ((np.arange(20_000) + 0.5) / 20_000).tolist()
    found = expected_best(scores, direction="max", budgets=[1, 10, 1000])
    assert found == pytest.approx([1 / 2, 10 / 11, 1000 / 1001], abs=1e-4)


def test_budgets_beyond_the_scores_and_no_scores_are_refused() -> None:
    with pytest.raises(ValueError, match=r"from 1 to 2, the number of scores, given \[3\]"):
        expected_best([0.1, 0.2], direction="max", budgets=[1, 3])
    for scores in ([], [float("nan")]):
        with pytest.raises(ValueError, match="at least one score"):
            expected_best(scores, direction="max")
