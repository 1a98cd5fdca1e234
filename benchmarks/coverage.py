"""How far statistics keep what they promise: `python benchmarks/coverage.py [--sweeps 2000]`, some ten minutes.

Scores are drawn from distributions whose truth is known, and judged by the code that judges those of a sweep:

- how often 95% intervals of a mean, and of means pooled over strata, hold the true one;
- how often the tied set holds the truly best configuration, and how large it is;
- how far the best mean is overstated, and by how much it is estimated to be.

A share p of N sweeps is itself known to about +- 2 sqrt(p (1 - p) / N): 0.01 for 2000.

The scores of a configuration are

- normal: what Student's t assumes;
- skewed: near a ceiling, with a long tail below (mirrored exponential, skewness -2);
- collapses: normal, but one run in ten is 5 standard deviations worse.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from bootstrap import Method, Statistic, bootstrap_ends
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats

from results.statistics.intervals import t_interval
from results.statistics.optimism import resampled_optimism
from results.statistics.tied_set import tied_set

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

SEEDS = (3, 5, 10, 20, 40)
STRATA = 4
RESAMPLES = 999
NUMBERS_AT_ONCE = 2_000_000
"""Of one array of resamples."""


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.normal(size=shape)


def _skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return 1.0 - rng.exponential(size=shape)


def _collapses(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return rng.normal(size=shape) - 5.0 * ((rng.random(shape) < 0.1) - 0.1)


DISTRIBUTIONS: dict[str, Draw] = {"normal": _normal, "skewed": _skewed, "collapses": _collapses}
"""Each has the mean 0."""


def main() -> None:
    """Simulate, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sweeps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    console = Console(width=120)
    console.print(means(np.random.default_rng([given.seed, 0]), given.sweeps))
    console.print(pooled(np.random.default_rng([given.seed, 1]), given.sweeps // 2))
    console.print(tied(np.random.default_rng([given.seed, 2]), given.sweeps // 4))
    console.print(optimism(np.random.default_rng([given.seed, 3]), given.sweeps // 2))


def means(rng: np.random.Generator, sweeps: int) -> Table:
    """Intervals of the mean of one configuration."""
    table = Table(
        "scores", "interval", *(f"{seeds} seeds" for seeds in SEEDS), title="95% interval of a mean"
    )
    for name, draw in DISTRIBUTIONS.items():
        scores = {seeds: draw(rng, (sweeps, seeds)) for seeds in SEEDS}
        rows: dict[str, Callable[[Floats], tuple[Floats, Floats]]] = {
            "t": _t_ends,
            "percentile": lambda array: _bootstrap_ends([array], rng, "percentile", "mean"),
            "BCa": lambda array: _bootstrap_ends([array], rng, "bca", "mean"),
        }
        for method, ends in rows.items():
            table.add_row(name, method, *(_share(ends(scores[seeds]), 0.0) for seeds in SEEDS))
    return table


def pooled(rng: np.random.Generator, sweeps: int) -> Table:
    """Interquartile means of one stratum, and both statistics of several strata pooled."""
    sizes = (5, 10, 20, 40)
    table = Table(
        "statistic", "interval", *(f"{n} a stratum" for n in sizes), title="95% interval, normal scores"
    )
    for statistic, strata in (("mean", STRATA), ("interquartile_mean", STRATA), ("interquartile_mean", 1)):
        for method in ("percentile", "bca"):
            cells = []
            for size in sizes:
                if statistic == "interquartile_mean" and size * strata < 20:
                    cells.append("refused")
                    continue
                scores = [rng.normal(size=(sweeps, size)) for _ in range(strata)]
                cells.append(_share(_bootstrap_ends(scores, rng, method, statistic), 0.0))
            table.add_row(f"{statistic}, {strata} strata", method, *cells)
    return table


def tied(rng: np.random.Generator, sweeps: int) -> Table:
    """How often the tied set at level 0.05 holds the truly best configuration, and how large it is."""
    title = (
        "tied set: holds the truly best, of so many on average; spread of configurations, seeds alone being 1"
    )
    seed_counts = (3, 5, 10, 15)
    table = Table("configurations", "spread", *(f"{seeds} seeds" for seeds in seed_counts), title=title)
    for count in (4, 10):
        for spread in (0.0, 1.0, 2.0):
            cells = []
            for seeds in seed_counts:
                held, size = 0, 0
                for _ in range(sweeps):
                    truth = spread * rng.normal(size=count)
                    scores = truth[:, None] + rng.normal(size=(count, seeds))
                    rows = {str(i): dict(enumerate(row)) for i, row in enumerate(scores.tolist())}
                    found = tied_set(rows, direction="max", rng=rng)
                    held += str(truth.argmax()) in found.tied
                    size += len(found.tied)
                cells.append(f"{held / sweeps:.3f}, {size / sweeps:.1f}")
            table.add_row(str(count), f"{spread:g}", *cells)
    return table


def optimism(rng: np.random.Generator, sweeps: int) -> Table:
    """By how much the mean of the best is overstated, and what is estimated from its own scores."""
    title = "optimism: true, estimated (standard deviation of the estimate); seeds spread by 1"
    table = Table("configurations", "spread", *(f"{seeds} seeds" for seeds in (3, 5, 10)), title=title)
    for count in (4, 10):
        for spread in (0.0, 1.0, 2.0):
            cells = []
            for seeds in (3, 5, 10):
                truth = spread * rng.normal(size=(sweeps, count))
                scores = truth[..., None] + rng.normal(size=(sweeps, count, seeds))
                means, best = scores.mean(axis=2), scores.mean(axis=2).argmax(axis=1)
                real = np.take_along_axis(means - truth, best[:, None], axis=1).mean()
                found = [resampled_optimism(each, rng, direction="max", resamples=200) for each in scores]
                values = [each.optimism for each in found if each is not None]
                cells.append(f"{real:.2f}, {np.mean(values):.2f} ({np.std(values):.2f})")
            table.add_row(str(count), f"{spread:g}", *cells)
    return table


def _t_ends(scores: Floats) -> tuple[Floats, Floats]:
    """`results.statistics.intervals.t_interval` of every row, checked on the first."""
    seeds = scores.shape[1]
    half = stats.t.ppf(0.975, seeds - 1) * scores.std(axis=1, ddof=1) / np.sqrt(seeds)
    low, high = scores.mean(axis=1) - half, scores.mean(axis=1) + half
    first = t_interval(scores[0].tolist())
    np.testing.assert_allclose([low[0], high[0]], [first.low, first.high])
    return low, high


def _bootstrap_ends(
    strata: list[Floats], rng: np.random.Generator, method: Method, statistic: Statistic
) -> tuple[Floats, Floats]:
    """In parts that fit into memory, each with draws of its own."""
    step = max(NUMBERS_AT_ONCE // (RESAMPLES * sum(stratum.shape[1] for stratum in strata)), 1)
    parts = [
        bootstrap_ends(
            [stratum[start : start + step] for stratum in strata],
            rng,
            method=method,
            statistic=statistic,
            resamples=RESAMPLES,
        )
        for start in range(0, len(strata[0]), step)
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _share(ends: tuple[Floats, Floats], truth: float) -> str:
    return f"{np.mean((ends[0] <= truth) & (truth <= ends[1])):.3f}"


if __name__ == "__main__":
    main()
