"""How good the best of n configurations is to be expected, for every budget n."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

from causalmer_core.measures.metrics import Direction, oriented


def expected_best(
    scores: Sequence[float], *, direction: Direction, budgets: Sequence[int] | None = None
) -> NDArray[np.float64]:
    """The expected best score among n configurations of those that a search proposed.

    With the B scores in the order from worst to best v_(1), ..., v_(B), the mean over all C(B, n) ways to take n of
    them is

        E_n = sum_{i = n}^{B} C(i - 1, n - 1) / C(B, n) * v_(i)

    an unbiased estimate of the expected best of n independent proposals for every n <= B (Tang et al., "Showing
    your work doesn't always work", ACL 2020, arXiv 2004.13705). The better known plug-in estimate, with the weights
    (i / B)^n - ((i - 1) / B)^n (Dodge et al., "Show your work", EMNLP 2019, arXiv 1909.03004), draws with replacement
    and is too low.

    It speaks of independent proposals: random search and Sobol, not TPE, whose later proposals know the earlier ones
    (there it says what the same configurations in a random order would have given). It is of scores as the search saw
    them, with the luck of their seeds, and of finished configurations: who counts failed ones as proposals gives them a
    score. For n near B it rests on a few scores and varies like the maximum.

    Args:
        scores: one a configuration, finite, at least one.
        direction: whether more (`max`) or less (`min`) of a score is better; otherwise the best is the least.
        budgets: values of n, from 1 to B; none: all of them.

    Returns:
        E_n for each budget.

    Raises:
        ValueError: no score, one that is not finite, or a budget outside 1 to B.
    """
    values = np.asarray(scores, dtype=np.float64)
    count = values.size
    if not count or not np.isfinite(values).all():
        raise ValueError("an expected best needs at least one score, and finite ones")
    wanted = range(1, count + 1) if budgets is None else budgets
    if outside := [n for n in wanted if not 1 <= n <= count]:
        raise ValueError(f"budgets are from 1 to {count}, the number of scores, given {outside}")
    ordered = np.sort(oriented(values, direction))
    return oriented(np.array([float(_weights(count, n) @ ordered) for n in wanted]), direction)


def _weights(count: int, budget: int) -> NDArray[np.float64]:
    """C(i - 1, n - 1) / C(B, n) for i from 1 to B, through logarithms, in which large ones do not overflow."""
    places = np.arange(budget, count + 1)
    found = np.zeros(count)
    found[budget - 1 :] = np.exp(_log_choose(places - 1, budget - 1) - _log_choose(np.array([count]), budget))
    weights: NDArray[np.float64] = found / found.sum()
    return weights


def _log_choose(above: NDArray[np.int64], below: int) -> NDArray[np.float64]:
    whole = special.gammaln(above + 1) - special.gammaln(below + 1) - special.gammaln(above - below + 1)
    return np.asarray(whole, dtype=np.float64)
