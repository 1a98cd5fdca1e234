"""The split of the variance of scores into hyperparameters and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True, slots=True)
class VarianceSplit:
    """The components of the variance of scores, in squared points of the metric.

    Attributes:
        hyperparameters: the variance of the configurations' true means. A negative estimate is set to 0.
        common: the variance of a seed's effect that all configurations share. None where the configurations have
            different seeds: it is then part of `seeds`, and a share of it, 1 / n, is missing from `hyperparameters`.
        seeds: the variance of a seed's effect on a single configuration.
        share: of `hyperparameters` in the sum of all components, 0 to 1. None where nothing varies.
        ratio_low, ratio_high: the ends of the confidence interval of hyperparameters / seeds. None where seeds do not
            vary. Above 1 configurations differ more than the seeds of one configuration.
        confidence: the nominal coverage of this interval, between 0 and 1.
        configurations, scores: the numbers of configurations and of scores.
    """

    hyperparameters: float
    common: float | None
    seeds: float
    share: float | None
    ratio_low: float | None
    ratio_high: float | None
    confidence: float
    configurations: int
    scores: int


def variance_split(
    scores: Mapping[str, Mapping[int, float]], confidence: float = 0.95
) -> VarianceSplit | None:
    """The split of the variance of x_is between configurations i and seeds s, by the analysis of variance.

    If all K configurations have the same n seeds (two-way, crossed), x_is = mu + a_i + b_s + e_is and

        seeds = MS_e,   hyperparameters = (MS_a - MS_e) / n,   common = (MS_b - MS_e) / K

    with mean squares MS_a of configurations, MS_b of seeds and MS_e of the residuals, (K - 1)(n - 1) degrees of
    freedom. Otherwise (one-way, unbalanced, N scores, n_i of configuration i) x_ij = mu + a_i + e_ij and

        seeds = MS_e,   hyperparameters = (MS_a - MS_e) / n_0,   n_0 = (N - sum_i n_i^2 / N) / (K - 1)

    with MS_e within configurations, N - K degrees of freedom (Searle, Casella and McCulloch, "Variance components",
    1992, sections 3.6 and 4.3). Both estimates are unbiased before negative ones are set to 0.

    With F = MS_a / MS_e the interval of r = hyperparameters / seeds is

        (F / F_{(1 + c) / 2} - 1) / n_0  to  (F / F_{(1 - c) / 2} - 1) / n_0

    with the quantiles of the F distribution, and n for n_0 in the crossed case. It is exact for normal scores and equal
    n_i, and approximate otherwise.

    The split describes the given configurations. The best configurations of a search differ less than those of the
    whole space. A few configurations give a wide interval.

    Args:
        scores: finite scores by configuration and seed.
        confidence: the nominal coverage c of the interval, between 0 and 1, default 0.95.

    Returns:
        The split. None for fewer than two configurations, or if none has two seeds.
    """
    rows = [list(each.values()) for each in scores.values() if each]
    total = sum(map(len, rows))
    if len(rows) < 2 or total == len(rows):
        return None
    seeds = {frozenset(each) for each in scores.values() if each}
    if len(seeds) == 1:
        order = sorted(next(iter(seeds)))
        split = _crossed(np.array([[each[seed] for seed in order] for each in scores.values() if each]))
    else:
        split = _one_way(rows)
    freedom = (len(rows) - 1, split.freedom)
    whole = split.hyperparameters + split.seeds + (split.common or 0.0)
    low, high = (split.ratio_end(share, freedom) for share in ((1 + confidence) / 2, (1 - confidence) / 2))
    return VarianceSplit(
        hyperparameters=split.hyperparameters,
        common=split.common,
        seeds=split.seeds,
        share=split.hyperparameters / whole if whole > 0.0 else None,
        ratio_low=low,
        ratio_high=high,
        confidence=confidence,
        configurations=len(rows),
        scores=total,
    )


@dataclass(frozen=True, slots=True)
class _MeanSquares:
    """The mean squares of an analysis of variance.

    Attributes:
        between: MS_a.
        seeds: MS_e, with `freedom` degrees of freedom.
        each: n, or n_0.
        common: the common component. None in the one-way case.
    """

    between: float
    seeds: float
    freedom: int
    each: float
    common: float | None = None

    @property
    def hyperparameters(self) -> float:
        return max((self.between - self.seeds) / self.each, 0.0)

    def ratio_end(self, share: float, freedom: tuple[int, int]) -> float | None:
        if self.seeds <= 0.0:
            return None
        quantile = float(stats.f.ppf(share, *freedom))
        return max((self.between / self.seeds / quantile - 1.0) / self.each, 0.0)


def _crossed(scores: NDArray[np.float64]) -> _MeanSquares:
    count, seeds = scores.shape
    by_configuration, by_seed, whole = scores.mean(axis=1), scores.mean(axis=0), scores.mean()
    rest = scores - by_configuration[:, None] - by_seed + whole
    freedom = (count - 1) * (seeds - 1)
    between = seeds * float(((by_configuration - whole) ** 2).sum()) / (count - 1)
    alike = count * float(((by_seed - whole) ** 2).sum()) / (seeds - 1)
    residual = _without_rounding(float((rest**2).sum()) / freedom, scores)
    return _MeanSquares(between, residual, freedom, seeds, max((alike - residual) / count, 0.0))


def _one_way(rows: Sequence[Sequence[float]]) -> _MeanSquares:
    sizes = np.array([len(row) for row in rows])
    means = np.array([np.mean(row) for row in rows])
    flat = np.concatenate([np.asarray(row, dtype=np.float64) for row in rows])
    total, count = int(sizes.sum()), len(rows)
    between = float((sizes * (means - flat.mean()) ** 2).sum()) / (count - 1)
    within = float(((flat - np.repeat(means, sizes)) ** 2).sum()) / (total - count)
    each = (total - float((sizes**2).sum()) / total) / (count - 1)
    return _MeanSquares(between, _without_rounding(within, flat), total - count, each)


def _without_rounding(variance: float, scores: NDArray[np.float64]) -> float:
    """The variance; 0 if it may come from rounding alone."""
    return variance if variance > (1e-9 * float(np.abs(scores).max())) ** 2 else 0.0
