"""The chance of being the best, for configurations whose scores vary from seed to seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special, stats

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

QUANTILES = (np.arange(8) + 0.5) / 8
"""Of each of the two unknown spreads, that a chance is averaged over."""
GRID = np.linspace(-8.0, 8.0, 33)
"""Where the best mean may lie around the best estimate, in standard errors: for so smooth an integrand the rectangle
rule with this step is exact to rounding.
"""


def chances_of_being_best(scores: Floats, searched: Sequence[float] = (), searched_seeds: int = 1) -> Floats:
    """The probability of each configuration that its true mean is the best, given scores on common seeds.

    The model: score_is = mu_i + b_s + e_is with the seed's effect b_s, which is common to all, and normal e of one
    spread s; mu_i is normal with a spread t over the configurations of the search. Then, up to a constant,

        mu_i | scores ~ N(k m_i, k s^2 / n),    k = t^2 / (t^2 + s^2 / n)

    with m_i the mean over the n seeds (Gelman et al., "Bayesian data analysis", section 5.4). s^2 is averaged over as
    v f / chi^2_f, for the variance v of the residuals of configuration plus seed with their f = (K - 1)(n - 1) degrees
    of freedom; and t^2, what the search's scores vary by beyond s^2, likewise from their variance. With it a good score
    is not taken for more than it is worth where configurations hardly differ. The probability is the integral over the
    best mean x of pdf_i(x) prod_{j != i} cdf_j(x).

    Where it cannot be told (one seed, or scores without any spread around configuration plus seed) all chances are
    equal.

    Args:
        scores: higher is better; shape (configurations, seeds), finite.
        searched: scores of the search's configurations, means over `searched_seeds` seeds. Fewer than three: t is taken
            as infinite, and k is 1.

    Returns:
        Shape (configurations,), with sum 1.
    """
    count, seeds = scores.shape
    residuals = scores - scores.mean(axis=1, keepdims=True) - scores.mean(axis=0) + scores.mean()
    freedom = (count - 1) * (seeds - 1)
    spread = float((residuals**2).sum()) / freedom if freedom else 0.0
    if spread <= np.finfo(np.float64).eps * float((scores**2).mean()):
        return np.full(count, 1.0 / count)
    means = scores.mean(axis=1)
    found = [
        _best_of_normals(math.sqrt(_kept(between, each, seeds, searched_seeds) * seeds / each) * means)
        for each in _plausible(spread, freedom)
        for between in _search_variances(searched)
    ]
    chances = np.mean(found, axis=0)
    return np.asarray(chances / chances.sum(), dtype=np.float64)


def _plausible(variance: float, freedom: int) -> Floats:
    """Values that a variance may have, equally likely, given its estimate."""
    return np.asarray(variance * freedom / stats.chi2.ppf(QUANTILES, freedom), dtype=np.float64)


def _search_variances(searched: Sequence[float]) -> Floats:
    if len(searched) < 3:
        return np.array([math.inf])
    return _plausible(float(np.var(searched, ddof=1)), len(searched) - 1)


def _kept(search_variance: float, spread: float, seeds: int, searched_seeds: int) -> float:
    """k: the share of a mean's distance from the others that is not luck."""
    if math.isinf(search_variance):
        return 1.0
    between = max(search_variance - spread / searched_seeds, 0.0)
    return between / (between + spread / seeds)


def _best_of_normals(means: Floats) -> Floats:
    """The probability of each of some independent normals with spread 1 to be the largest."""
    away = GRID[:, None] + means.max() - means
    below = special.log_ndtr(away)
    density = np.exp(-0.5 * away**2 + below.sum(axis=1, keepdims=True) - below)
    found: Floats = density.sum(axis=0) * (GRID[1] - GRID[0]) / math.sqrt(2.0 * math.pi)
    return found
