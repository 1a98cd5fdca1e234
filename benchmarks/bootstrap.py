"""Bootstrap intervals, where there are enough scores for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from interquartile_mean import interquartile_mean, middle_mean
from numpy.typing import NDArray
from scipy import stats

Method = Literal["bca", "percentile"]
Statistic = Literal["mean", "interquartile_mean"]
Floats = NDArray[np.float64]

LEAST_SCORES = 20
"""With fewer in a stratum there is no interval: benchmarks/coverage.py shows how far one would be from its name."""
RESAMPLES = 9_999

_STATISTICS: Mapping[Statistic, Callable[..., Floats]] = MappingProxyType(
    {"mean": np.mean, "interquartile_mean": middle_mean}
)
_NAMES: Mapping[Method, str] = MappingProxyType(
    {"bca": "BCa bootstrap", "percentile": "percentile bootstrap"}
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic of scores with its bootstrap interval.

    Attributes:
        value: the statistic.
        low, high: the ends of the interval; none where there are too few scores for one.
        n: the number of scores.
        confidence: the coverage the interval aims at.
        method: how the interval was computed, or why there is none, in words.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    confidence: float
    method: str

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:z.4f} ({self.method})"
        return f"{self.value:z.4f} [{self.low:z.4f}, {self.high:z.4f}]"


def bootstrap_interval(
    *strata: Sequence[float],
    rng: np.random.Generator,
    statistic: Statistic = "mean",
    method: Method = "bca",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> Estimate:
    """The bootstrap interval of a statistic of independent scores, or of several strata of them together.

    Strata are what would be the same if the study were done again, such as data sets or folds. All scores are
    independent of each other; those of one run with several modalities removed are not. Each of B resamples draws from
    every stratum as many as it has, with replacement. `percentile` takes the (1 - c)/2 and (1 + c)/2 quantiles of the B
    statistics (Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13), `bca` other quantiles that
    correct for bias and skewness (chapter 14). Both take the spread of the scores for that of the truth, which is too
    small in a few of them: hence `LEAST_SCORES`. Of a single mean the t interval covers about as well or better with
    every number of seeds simulated.

    Args:
        strata: one, or several that are resampled each within itself; at least one score in each, finite.
        rng: draws the resamples: equal generators give equal intervals.
        statistic: `mean`, or `interquartile_mean` (which needs enough scores even to be one).
        method: `bca`, or `percentile`. Where BCa is undefined, as for scores that hardly differ, the percentiles of
            the same resamples are taken, and `Estimate.method` says so.
        confidence: the coverage, between 0 and 1, default 0.95.
        resamples: B.

    Raises:
        ValueError: no score, one that is not finite, a confidence outside (0, 1), or too few scores for the statistic.
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is between 0 and 1, given {confidence}")
    arrays = [np.asarray(stratum, dtype=np.float64) for stratum in strata]
    if not arrays or any(array.ndim != 1 or array.size == 0 for array in arrays):
        raise ValueError("a bootstrap needs at least one stratum, and a score in each")
    pooled = np.concatenate(arrays)
    if not np.isfinite(pooled).all():
        raise ValueError(f"a bootstrap needs finite scores, given {pooled.tolist()}")
    value = interquartile_mean(pooled) if statistic == "interquartile_mean" else float(pooled.mean())
    least = min(array.size for array in arrays)
    if least < LEAST_SCORES:
        return Estimate(value, None, None, pooled.size, confidence, _too_few(least, len(arrays)))
    low, high, corrected = bootstrap_ends(
        arrays, rng, statistic=statistic, method=method, confidence=confidence, resamples=resamples
    )
    words = _NAMES[method] if corrected.all() else f"{_NAMES['percentile']}, BCa is undefined here"
    if len(arrays) > 1:
        words = f"{words} in {len(arrays)} strata"
    return Estimate(value, float(low), float(high), pooled.size, confidence, words)


def bootstrap_ends(
    strata: Sequence[Floats],
    rng: np.random.Generator,
    *,
    statistic: Statistic = "mean",
    method: Method = "bca",
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """The ends of many intervals at once, however few the scores: what `bootstrap_interval` takes its own from, and
    the simulation of coverage its thousands.

    Args:
        strata: each of shape `(..., scores)`, with the same leading axes; these share the draws.
        rng, statistic, method, confidence, resamples: as for `bootstrap_interval`.

    Returns:
        Low and high ends, shape `(...)`, and where they are by the method asked for.
    """
    chosen = _STATISTICS[statistic]

    def pooled(*samples: Floats, axis: int) -> Floats:
        return chosen(np.concatenate(samples, axis=axis), axis=axis)

    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            tuple(strata),
            pooled,
            n_resamples=resamples,
            vectorized=True,
            axis=-1,
            confidence_level=confidence,
            method="BCa" if method == "bca" else "percentile",
            rng=rng,
        )
    low, high = (np.asarray(end, dtype=np.float64) for end in found.confidence_interval)
    corrected = np.isfinite(low) & np.isfinite(high)
    shares = [(1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0]
    by_percentile = np.quantile(found.bootstrap_distribution, shares, axis=-1)
    return np.where(corrected, low, by_percentile[0]), np.where(corrected, high, by_percentile[1]), corrected


def _too_few(least: int, strata: int) -> str:
    if least == 1 and strata == 1:
        return "one seed, no interval"
    where = " in each stratum" if strata > 1 else ""
    return f"{least} scores, no interval: a bootstrap needs {LEAST_SCORES}{where}"
