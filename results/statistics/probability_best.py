"""The chance of being the best, for configurations whose scores vary from seed to seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

GRID = np.linspace(-6.0, 6.0, 25)
"""Where the best mean may lie around the best estimate, in standard errors: for so smooth an integrand the rectangle
rule with this step is exact to rounding.
"""


def _shares(count: int) -> tuple[Floats, Floats]:
    """Nodes between 0 and 1 and their weights (Gauss-Legendre): an average over the quantiles of a distribution."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1.0) / 2.0, weights / 2.0


RATIO_SHARES, RATIO_WEIGHTS = _shares(20)
RATIOS = np.tan(np.pi / 2.0 * RATIO_SHARES) ** 2
"""Values of t^2 / s^2 that an average is taken over; t / s is half-Cauchy."""
SPREAD_SHARES, SPREAD_WEIGHTS = _shares(8)
"""Of the distribution of s^2."""
STEP, NEGLIGIBLE = 0.2, 1e-7
"""Pairs of spreads that lead to the same scale, but for such a factor, are taken together, and improbable ones left
out.
"""
ROUNDING = 1e-20
"""A sum of squares, with scores that are around 1, that may come from rounding alone."""


def probability_best(scores: Floats, searched: Sequence[float] = (), searched_seeds: int = 1) -> Floats:
    """The probability of each configuration that its true mean is the best of those still in, given all scores so far.

    The model: score_is = mu_i + b_s + e_is with the effect b_s of a seed, which is common to all and may be anything,
    normal e with one spread s, and normal mu_i with a spread t over the configurations of the search. Then, up to a
    number common to all,

        mu_i | scores, t, s  ~  N(k_n m_i, k_n s^2 / n),    k_n = n / (n + s^2 / t^2)

    with m_i the mean over the n seeds so far (Gelman et al., "Bayesian data analysis", 3rd ed., section 5.4). So a good
    mean is not taken for more than it is worth where configurations hardly differ.

    Both spreads are averaged over by what the scores say of them. Seed after seed, those that run on the next one score
    around what was to be expected of them:

        score_is | scores before, t, s  ~  b_s + N(k_n m_i, s^2 + k_n s^2 / n)

    and the likelihood is the product over seeds. That those who run on it are the best so far does no harm to it, as it
    does to an estimate from the scores of those that stay: they were lucky on the seeds that chose them. The search's
    seeds enter by the scores of all that were searched, ~ N(., t^2 + s^2 / n), and by how those still known differ
    around their means. t / s has a half-Cauchy distribution before all that (Gelman, "Prior distributions for variance
    parameters in hierarchical models", Bayesian Analysis 2006), and s^2 one that is even over orders of magnitude.

    The probability is the integral over the best mean x of pdf_i(x) prod_{j != i} cdf_j(x).

    Where it cannot be told (one seed, or scores without any spread) all chances are equal.

    Args:
        scores: higher is better; shape (configurations, seeds), the seeds in the order of time. Those of a
            configuration that left are nan from some seed on; one at least has all.
        searched: scores of the search's configurations, means over the first `searched_seeds` of these seeds. Fewer
            than two: the first seeds are seeds like the others.

    Returns:
        Shape (configurations,), with sum 1; 0 for those that left.
    """
    there = np.isfinite(scores)
    still_in = there.all(axis=1)
    seeds, racing = scores.shape[1], int(still_in.sum())
    chances = np.where(still_in, 1.0 / racing, 0.0)
    unit = float(np.std(scores[there]))
    if seeds == 1 or racing == 1 or unit == 0.0:
        return chances
    # sorted: the order must not matter to the last digit
    scores, known = np.where(there, scores, 0.0) / unit, np.sort(searched) / unit
    first = searched_seeds if len(searched) > 1 else 0
    likelihood = _seed_after_seed(scores, there, first)
    if first:
        likelihood = _joined(_search(scores[there[:, first - 1], :first], known), likelihood)
    if likelihood.squares.max() <= ROUNDING:
        return chances
    scales, weights = _plausible_scales(likelihood, seeds)
    found = weights @ _best_of_normals(scales[:, None] * scores[still_in].mean(axis=1))
    chances[still_in] = found / found.sum()
    return chances


@dataclass(frozen=True, slots=True)
class _Likelihood:
    """Independent groups of normals, which but for a shift common to a group have a variance of s^2 times `variance`.

    Attributes:
        squares: the sums of their squares around the group's mean; shape (groups, `RATIOS`).
        variance: likewise.
        freedom: one less than their numbers; shape (groups, 1).
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
    """How the search's means differ, and how the scores of those still known differ around theirs."""
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
    """How the scores on each seed from `first` on differ from what those on the seeds before led one to expect."""
    before = np.arange(scores.shape[1])[:, None]
    means = np.zeros_like(scores)
    means[:, 1:] = scores.cumsum(axis=1)[:, :-1] / before[1:, 0]
    count = there.sum(axis=0)
    old = np.where(there, means - (means * there).sum(axis=0) / count, 0.0)
    new = np.where(there, scores - scores.sum(axis=0) / count, 0.0)
    kept = before * RATIOS / (before * RATIOS + 1.0)
    # the squares of new - kept * old
    cross, squares = (old * new).sum(axis=0)[:, None], (old**2).sum(axis=0)[:, None]
    squares = (new**2).sum(axis=0)[:, None] - 2.0 * kept * cross + kept**2 * squares
    variance = 1.0 + RATIOS / (before * RATIOS + 1.0)
    return _Likelihood(np.maximum(squares, 0.0)[first:], variance[first:], count[first:, None] - 1.0)


def _plausible_scales(likelihood: _Likelihood, seeds: int) -> tuple[Floats, Floats]:
    """What k_n over a posterior mean's standard error may be, and how probable it is.

    Given t / s, s^2 is the sum of squares over a chi^2 with as many degrees of freedom.
    """
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
    """The same with scales that hardly differ taken for one, their mean."""
    steps = np.round(np.log(scales.max() / scales) / STEP).astype(np.intp)
    merged, sums = np.zeros((2, steps.max() + 1))
    np.add.at(merged, steps, weights)
    np.add.at(sums, steps, weights * scales)
    told = merged > NEGLIGIBLE
    return sums[told] / merged[told], merged[told]


def _best_of_normals(means: Floats) -> Floats:
    """The probability of each of some independent normals with spread 1, along the last axis, to be the largest."""
    away = GRID[:, None] + (means.max(axis=-1, keepdims=True) - means)[..., None, :]
    below = special.log_ndtr(away)
    density = np.exp(-0.5 * away**2 + below.sum(axis=-1, keepdims=True) - below)
    found: Floats = density.sum(axis=-2) * (GRID[1] - GRID[0]) / np.sqrt(2.0 * np.pi)
    return found
