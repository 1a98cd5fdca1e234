"""The probability of being the best, for configurations whose scores vary over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

GRID = np.linspace(-6.0, 6.0, 25)
"""Distances of the best mean from the best estimate, in standard errors, shape (25,). The integrand is so smooth that
the rectangle rule with this step is exact to rounding.
"""


def _shares(count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes between 0 and 1 and their weights, which average over the quantiles of a distribution."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


RATIO_SHARES, RATIO_WEIGHTS = _shares(20)
RATIOS = np.tan(np.pi / 2.0 * RATIO_SHARES) ** 2
"""The values of t^2 / s^2 to average over, shape (20,). t / s is half-Cauchy."""
SPREAD_SHARES, SPREAD_WEIGHTS = _shares(8)
"""Quantiles of the distribution of s^2 and their weights, each of shape (8,)."""
STEP, NEGLIGIBLE = 0.2, 1e-7
"""Scales whose logarithms are closer than `STEP` are merged; those less probable than `NEGLIGIBLE` are dropped."""
ROUNDING = 1e-20
"""Sums of squares up to this size may come from rounding alone, where scores are around 1."""


def probability_best(scores: Floats, searched: Sequence[float] = (), searched_seeds: int = 1) -> Floats:
    """The probability of each active configuration that its true mean is the best, given all scores so far.

    The model is score_is = mu_i + b_s + e_is. The effect b_s of a seed is common to all configurations and arbitrary.
    e is normal with one spread s. mu_i is normal with a spread t over the configurations of the search. Then, up to a
    constant that is common to all,

        mu_i | scores, t, s  ~  N(k_n m_i, k_n s^2 / n),    k_n = n / (n + s^2 / t^2)

    with m_i the mean over the n seeds so far (Gelman et al., "Bayesian data analysis", 3rd ed., section 5.4). So a good
    mean is shrunk where configurations hardly differ.

    Both spreads are averaged over their posterior. The likelihood is a product over seeds. Each seed contributes the
    distribution of the new scores given the scores before it:

        score_is | scores before, t, s  ~  b_s + N(k_n m_i, s^2 + k_n s^2 / n)

    Conditioning on the earlier scores keeps the likelihood valid although only the best so far run on the next seed. An
    estimate from the scores of the active configurations alone would be biased: they were lucky on earlier seeds.

    The search seeds contribute the mean scores of all searched configurations, ~ N(., t^2 + s^2 / n). They also
    contribute the residuals, around their means, of the configurations in `scores`. The prior of t / s is half-Cauchy
    (Gelman, "Prior distributions for variance parameters in hierarchical models", Bayesian Analysis 2006). The prior of
    s^2 is uniform over orders of magnitude.

    The probability is the integral over the best mean x of pdf_i(x) prod_{j != i} cdf_j(x). If the scores do not
    determine it (one seed, or no spread), all probabilities are equal.

    Args:
        scores: shape (configurations, seeds), higher is better, the seeds in the order of time. An eliminated
            configuration is nan from some seed on; at least one configuration has all scores.
        searched: mean scores of the search's configurations over the first `searched_seeds` of these seeds, shape
            (searched,). With fewer than two the first seeds are treated like the others.
        searched_seeds: the number of search seeds at the start of `scores`.

    Returns:
        Shape (configurations,), with sum 1. 0 for eliminated configurations.
    """
    there = np.isfinite(scores)
    active = there.all(axis=1)
    seeds, count = scores.shape[1], int(active.sum())
    chances = np.where(active, 1.0 / count, 0.0)
    unit = float(np.std(scores[there]))
    if seeds == 1 or count == 1 or unit == 0.0:
        return chances
    # Sorted, so that the order of the searched configurations does not change the last digit.
    scores, known = np.where(there, scores, 0.0) / unit, np.sort(searched) / unit
    first = searched_seeds if len(searched) > 1 else 0
    likelihood = _seed_after_seed(scores, there, first)
    if first:
        likelihood = _joined(_search(scores[there[:, first - 1], :first], known), likelihood)
    if likelihood.squares.max() <= ROUNDING:
        return chances
    scales, weights = _plausible_scales(likelihood, seeds)
    found = weights @ _best_of_normals(scales[:, None] * scores[active].mean(axis=1))
    chances[active] = found / found.sum()
    return chances


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """Independent groups of normals of variance s^2 times `variance`, up to a common shift in each group.

    Attributes:
        squares: the sum of squares around the group's mean, shape (groups, ratios) with the ratios of `RATIOS`.
        variance: the factor of s^2, shape (groups, ratios).
        freedom: the group's size less one, shape (groups, 1).
    """

    squares: Floats
    variance: Floats
    freedom: Floats


def _joined(one: _Likelihood, other: _Likelihood) -> _Likelihood:
    return _Likelihood(
        np.concatenate([one.squares, other.squares]),
        np.concatenate([one.variance, other.variance]),
        np.concatenate([one.freedom, other.freedom]),
    )


def _search(scores: Floats, searched: Floats) -> _Likelihood:
    """The spread of the searched means, and of the scores around the means of the known configurations."""
    count, seeds = scores.shape
    around = scores - scores.mean(axis=1, keepdims=True)
    within = ((around - around.mean(axis=0)) ** 2).sum()
    between = ((searched - searched.mean()) ** 2).sum()
    return _Likelihood(
        np.outer([between, within], np.ones_like(RATIOS)),
        np.array([RATIOS + 1.0 / seeds, np.ones_like(RATIOS)]),
        np.array([[len(searched) - 1.0], [(count - 1.0) * (seeds - 1.0)]]),
    )


def _seed_after_seed(scores: Floats, there: Flags, first: int) -> _Likelihood:
    """How the scores on each seed from `first` on differ from their expectation given the seeds before."""
    before = np.arange(scores.shape[1])[:, None]
    means = np.zeros_like(scores)
    means[:, 1:] = scores.cumsum(axis=1)[:, :-1] / before[1:, 0]
    count = there.sum(axis=0)
    old = np.where(there, means - (means * there).sum(axis=0) / count, 0.0)
    new = np.where(there, scores - scores.sum(axis=0) / count, 0.0)
    kept = before * RATIOS / (before * RATIOS + 1.0)
    # The sums of squares of `new - kept * old`, expanded: an array over configurations, seeds and ratios is too large.
    cross, squares = (old * new).sum(axis=0)[:, None], (old**2).sum(axis=0)[:, None]
    squares = (new**2).sum(axis=0)[:, None] - 2.0 * kept * cross + kept**2 * squares
    variance = 1.0 + RATIOS / (before * RATIOS + 1.0)
    return _Likelihood(np.maximum(squares, 0.0)[first:], variance[first:], count[first:, None] - 1.0)


def _plausible_scales(likelihood: _Likelihood, seeds: int) -> tuple[Floats, Floats]:
    """The possible values of k_n over a posterior mean's standard error, and their probabilities, shapes (scales,)."""
    # Given t / s, s^2 is the sum of squares over a chi^2 variable with these degrees of freedom.
    freedom = likelihood.freedom.sum()
    squares = (likelihood.squares / likelihood.variance).sum(axis=0)
    surprise = (likelihood.freedom * np.log(likelihood.variance)).sum(axis=0) + freedom * np.log(squares)
    weights = RATIO_WEIGHTS * np.exp(-0.5 * (surprise - surprise.min()))
    kept = seeds * RATIOS / (seeds * RATIOS + 1.0)
    precisions = special.chdtri(freedom, 1.0 - SPREAD_SHARES) / squares[:, None]
    scales = np.sqrt(kept[:, None] * seeds * precisions).ravel()
    joint = np.outer(weights / weights.sum(), SPREAD_WEIGHTS).ravel()
    return _merged(scales, joint)


def _merged(scales: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The scales and weights, where scales that hardly differ are replaced by their mean."""
    steps = np.round(np.log(scales.max() / scales) / STEP).astype(np.intp)
    merged, sums = np.zeros((2, steps.max() + 1))
    np.add.at(merged, steps, weights)
    np.add.at(sums, steps, weights * scales)
    kept = merged > NEGLIGIBLE
    return sums[kept] / merged[kept], merged[kept]


def _best_of_normals(means: Floats) -> Floats:
    """The probability that each of the independent normals along the last axis, of spread 1, is the largest."""
    away = GRID[:, None] + (means.max(axis=-1, keepdims=True) - means)[..., None, :]
    below = special.log_ndtr(away)
    density = np.exp(-0.5 * away**2 + below.sum(axis=-1, keepdims=True) - below)
    found: Floats = density.sum(axis=-2) * (GRID[1] - GRID[0]) / np.sqrt(2.0 * np.pi)
    return found
