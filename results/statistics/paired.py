"""Paired differences: the sign-flip test, Holm's correction, and the effect size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

EXACT_SIGN_FLIPS = 16
"""Up to this number of pairs all 2^n sign flips are tried; above it a sample of them."""
SAMPLED_SIGN_FLIPS = 99_999
"""The number of sign flips in a sample."""
_AT_ONCE = 2**15
_SAME = 1e-9
"""Sums closer than this share of the sum of the |d_i| count as equal: they differ by rounding alone."""
_NO_SPREAD = 1e-9
"""Differences that spread less than this share of the largest of them differ by rounding alone."""


def sign_flip_p(differences: Sequence[float] | NDArray[np.float64], rng: np.random.Generator) -> float:
    """The two-sided p-value of the hypothesis that paired differences are symmetric around 0.

    Under the hypothesis all 2^n assignments of signs to the d_i are equally likely. p is the share of them whose |sum|
    is at least the observed one (Fisher, "The design of experiments", 1935, section 21). The test is exact: for any
    distribution of the |d_i|, p <= a has a probability of at most a.

    Above `EXACT_SIGN_FLIPS` pairs N = `SAMPLED_SIGN_FLIPS` assignments are drawn. With b of them at least as extreme

        p = (b + 1) / (N + 1)

    which is valid as well (Phipson and Smyth, "Permutation p-values should never be zero", 2010).

    Args:
        differences: one finite difference per pair, shape (n,).
        rng: draws the assignments above `EXACT_SIGN_FLIPS` pairs; otherwise unused.
    """
    # Not scipy's `permutation_test`: it gives the same numbers, but takes 0.7 s for 16 pairs, and a leaderboard
    # needs many.
    values = np.asarray(differences, dtype=np.float64)
    at_least = abs(values.sum()) - _SAME * np.abs(values).sum()
    if values.size <= EXACT_SIGN_FLIPS:
        return float((np.abs(_all_signs(values.size) @ values) >= at_least).mean())
    extreme = 0
    for start in range(0, SAMPLED_SIGN_FLIPS, _AT_ONCE):
        shape = (min(_AT_ONCE, SAMPLED_SIGN_FLIPS - start), values.size)
        signs = 1 - 2 * rng.integers(0, 2, shape, dtype=np.int8)
        extreme += int((np.abs(signs @ values) >= at_least).sum())
    return (extreme + 1) / (SAMPLED_SIGN_FLIPS + 1)


def least_p(pairs: int) -> float:
    """The least possible p-value of n pairs, 2 / 2^n. Differences that all have the same sign reach it."""
    return 2.0 ** (1 - pairs)


@lru_cache(maxsize=4)
def _all_signs(count: int) -> NDArray[np.float64]:
    """Half of the assignments, shape (2^(n-1), n). The last sign is always +; the other half mirrors these."""
    bits = (np.arange(2 ** (count - 1))[:, None] >> np.arange(count)) & 1
    signs = np.asarray(1.0 - 2.0 * bits, dtype=np.float64)
    signs.flags.writeable = False
    return signs


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values corrected for the number of tests by Holm's procedure.

    With the m p-values in rising order p_(1) <= ... <= p_(m)

        adjusted p_(i) = min(1, max_{j <= i} (m - j + 1) p_(j))

    (Holm, "A simple sequentially rejective multiple test procedure", 1979). Rejecting every adjusted p <= a makes any
    false rejection with a probability of at most a. This holds for dependent tests, too. Holm's procedure never
    rejects fewer tests than Bonferroni's m p_(i).

    Args:
        p_values: shape (m,).

    Returns:
        The adjusted p-values, shape (m,), in the order given.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(np.arange(raw.size, 0, -1) * raw[order])
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1.0)
    return tuple(adjusted.tolist())


def holm_of_known(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """As `holm`, for the p-values that exist. A None stays None and does not count as a test."""
    corrected = iter(holm([value for value in p_values if value is not None]))
    return tuple(None if value is None else next(corrected) for value in p_values)


def paired_effect_size(differences: Sequence[float]) -> float | None:
    """Cohen's d of paired differences, d_z, with Hedges' correction.

        g_z = J(n - 1) * mean(d) / s_d,    J(m) = gamma(m / 2) / (sqrt(m / 2) * gamma((m - 1) / 2))

    with s_d the sample standard deviation of the d_i (n - 1 in the denominator). For normal d_i it estimates their true
    mean over their true spread without bias (Cohen, "Statistical power analysis", 2nd ed. 1988, section 2.3.5; Hedges,
    "Distribution theory for Glass's estimator of effect size", 1981). At 1 the second configuration beats the first on
    about one seed in six. The mean difference gives the size in points of the metric.

    Args:
        differences: one finite difference per pair, shape (n,).

    Returns:
        g_z, in units of the spread. None for fewer than three pairs, where J is 0 or undefined, and without spread.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.size < 3 or np.ptp(values) <= _NO_SPREAD * np.abs(values).max():
        return None
    freedom = values.size - 1
    log_ratio = special.gammaln(freedom / 2) - special.gammaln((freedom - 1) / 2)
    correction = math.exp(log_ratio) / math.sqrt(freedom / 2)
    return float(correction * values.mean() / values.std(ddof=1))
