"""The chance of being the best, for configurations whose scores vary from seed to seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

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


def chances_of_being_best(scores: Floats, searched: Sequence[float] = (), searched_seeds: int = 1) -> Floats:
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
    unit = float(np.nanstd(scores))
    if seeds == 1 or racing == 1 or unit == 0.0:
        return chances
    scores = scores / unit
    first = searched_seeds if len(searched) > 1 else 0
    means = (
        np.sort(np.array(searched, dtype=np.float64)) / unit
    )  # sorted: the order must not matter to the last digit
    parts = [*(_search(scores[there[:, :first].all(axis=1), :first], means) if first else ())]
    parts += [_next_seed(scores[there[:, number]], number) for number in range(first, seeds)]
    if sum(part.squares.max() for part in parts) <= ROUNDING:
        return chances
    scales, weights = _plausible_scales(parts, seeds)
    found = weights @ _best_of_normals(scales[:, None] * scores[still_in].mean(axis=1))
    chances[still_in] = found / found.sum()
    return chances


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the likelihood: independent normals, but for a shift common to all, of variance s^2 times `variance`.

    Attributes:
        squares: the sum of their squares around their mean, for each of `RATIOS`.
        variance: for each of `RATIOS`.
        freedom: one less than their number.
    """

    squares: Floats
    variance: Floats
    freedom: int


def _kept(seeds: int) -> Floats:
    """k_n for each of `RATIOS`: the share of a mean's distance from the others that is not luck."""
    return np.asarray(seeds / (seeds + 1.0 / RATIOS))


def _search(scores: Floats, searched: Floats) -> Iterator[_Part]:
    """How the search's means differ, and how the scores of those still known differ around theirs."""
    count, seeds = scores.shape
    around = scores - scores.mean(axis=1, keepdims=True)
    within = float(((around - around.mean(axis=0)) ** 2).sum())
    between = float(((searched - searched.mean()) ** 2).sum())
    even = np.ones_like(RATIOS)
    yield _Part(between * even, RATIOS + 1.0 / seeds, len(searched) - 1)
    yield _Part(within * even, even, (count - 1) * (seeds - 1))


def _next_seed(scores: Floats, number: int) -> _Part:
    """How the scores on seed `number` differ from what those on the seeds before had to be expected to lead to."""
    if number:
        expected = _kept(number)[:, None] * scores[:, :number].mean(axis=1)
        variance = 1.0 + _kept(number) / number
    else:
        expected, variance = np.zeros((len(RATIOS), 1)), 1.0 + RATIOS
    away = scores[:, number] - expected
    squares = ((away - away.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return _Part(squares, variance, len(scores) - 1)


def _plausible_scales(parts: Sequence[_Part], seeds: int) -> tuple[Floats, Floats]:
    """What one over a posterior mean's standard error, times k_n, may be, and how probable it is.

    Given t / s, s^2 is the sum of squares over a chi^2 with as many degrees of freedom.
    """
    freedom = sum(part.freedom for part in parts)
    squares = np.sum([part.squares / part.variance for part in parts], axis=0)
    surprise = sum(part.freedom * np.log(part.variance) for part in parts) + freedom * np.log(squares)
    weights = RATIO_WEIGHTS * np.exp(-0.5 * (surprise - surprise.min()))
    precisions = special.chdtri(freedom, 1.0 - SPREAD_SHARES) / squares[:, None]
    scales = np.sqrt(_kept(seeds)[:, None] * seeds * precisions).ravel()
    joint = np.outer(weights / weights.sum(), SPREAD_WEIGHTS).ravel()
    return _merged(scales, joint)


def _merged(scales: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The same with scales that hardly differ taken for one, their mean."""
    steps = np.unique(np.round(np.log(scales / scales.max()) / STEP), return_inverse=True)[1]
    merged = np.bincount(steps, weights)
    told = merged > NEGLIGIBLE
    means: Floats = np.bincount(steps, weights * scales)[told] / merged[told]
    return means, np.asarray(merged[told], dtype=np.float64)


def _best_of_normals(means: Floats) -> Floats:
    """The probability of each of some independent normals with spread 1, along the last axis, to be the largest."""
    away = GRID[:, None] + (means.max(axis=-1, keepdims=True) - means)[..., None, :]
    below = special.log_ndtr(away)
    density = np.exp(-0.5 * away**2 + below.sum(axis=-1, keepdims=True) - below)
    found: Floats = density.sum(axis=-2) * (GRID[1] - GRID[0]) / np.sqrt(2.0 * np.pi)
    return found
