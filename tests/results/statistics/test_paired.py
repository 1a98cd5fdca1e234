"""The sign-flip test: exact by enumeration, equal to scipy's, repeatable where it samples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from results.statistics.paired import EXACT_SIGN_FLIPS, least_p, sign_flip_p

SIZES = st.lists(st.integers(1, 50).map(float), min_size=2, max_size=6)


def p(differences: list[float], seed: int = 0) -> float:
    return sign_flip_p(differences, np.random.default_rng(seed))


@settings(max_examples=25, deadline=None)
@given(SIZES)
def test_it_is_exact_where_signs_are_exchangeable(sizes: list[float]) -> None:
    """Over all 2^n equally likely signs a p-value of at most a comes up with a probability of at most a, and each
    p-value with a probability of itself or less: no smaller test would do.
    """
    signs = itertools.product((-1.0, 1.0), repeat=len(sizes))
    found = np.array([p([s * x for s, x in zip(row, sizes, strict=True)]) for row in signs])
    for level in set(found.tolist()):
        assert (found <= level).mean() == pytest.approx(level)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-40, 40).map(lambda x: x / 8), min_size=2, max_size=8))
def test_it_agrees_with_scipys(differences: list[float]) -> None:
    reference = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=2 ** len(differences)
    )
    assert p(differences) == pytest.approx(reference.pvalue)


def test_ties_that_differ_by_rounding_count_as_ties() -> None:
    """0.8 - 0.7, 0.6 - 0.5 and 0.3 - 0.2 are all 0.1 but for rounding."""
    assert p([0.8 - 0.7, 0.5 - 0.6, 0.3 - 0.2]) == 1.0


def test_it_looks_at_sizes_where_ranks_and_signs_say_the_same() -> None:
    """Wilcoxon's and the sign test cannot tell these two apart."""
    ahead, level = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -7.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -20.0]
    assert stats.wilcoxon(ahead).pvalue == stats.wilcoxon(level).pvalue
    assert p(ahead) < p(level) / 2


def test_the_least_p_value_is_that_of_differences_of_one_sign() -> None:
    for pairs in range(1, 12):
        assert p([1.0] * pairs) == least_p(pairs)


def test_many_pairs_are_sampled_close_to_the_truth_and_as_the_generator_says() -> None:
    differences = [0.3, -0.1, 0.2, 0.5, -0.2, 0.1, 0.4, -0.3, 0.2, 0.1, -0.1, 0.3, 0.2, -0.2, 0.1, 0.1, 0.2]
    assert len(differences) > EXACT_SIGN_FLIPS
    signs = 1.0 - 2.0 * ((np.arange(2**17)[:, None] >> np.arange(17)) & 1)
    truth = (np.abs(signs @ differences) >= sum(differences) - 1e-9).mean()
    assert p(differences) == p(differences)
    assert p(differences) != p(differences, seed=1)
    assert p(differences) == pytest.approx(truth, abs=4 * np.sqrt(truth / 1e5))
    assert p([1.0] * 40) == pytest.approx(1e-5)  # never 0
