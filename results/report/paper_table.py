"""Tables for papers: a row per contender with mean and standard deviation over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from causalmer_core.basics.errors import UserError
from causalmer_core.measures.metrics import Direction, metric_direction, oriented
from results.evaluation.evaluation_table import (
    PRESENT,
    SUBSET_NAMES,
    Contender,
    as_configured,
    evaluated_contenders,
    labels,
)
from results.records.dataset import SweepResults
from results.report.table import DASH, Cell, Column, Table, mean_with_deviation
from results.statistics.intervals import Interval


def paper_table(
    results: SweepResults, columns: Literal["metrics", "modalities"] = "metrics", metric: str | None = None
) -> Table:
    """The numbers of the test split, `mean ± standard deviation`; of a single value the value alone.

    The best mean of each column is bold. Bold does not say that the best differs significantly from the next.

    Args:
        results: the sweep.
        columns: all metrics with all modalities present; or one metric by the modalities present.
        metric: the one metric; by default the monitored one.

    Raises:
        UserError: nothing was evaluated yet, or there is no such metric.
    """
    manifest = results.manifest
    found = as_configured(evaluated_contenders(results.evaluations, manifest.metrics))
    if not found:
        raise UserError(
            f"{manifest.name} has no final evaluation yet; 'causalmer results evaluate {manifest.name}' opens the test "
            "split once, after the selection"
        )
    chosen = metric or manifest.monitor
    if chosen not in manifest.metrics:
        raise UserError(f"--metric {chosen}: no metric of this sweep; allowed {', '.join(manifest.metrics)}")
    if columns == "metrics":
        made = {
            name: _column([c.interval(name) for c in found], metric_direction(name))
            for name in manifest.metrics
        }
        about = "all modalities present"
    else:
        direction = metric_direction(chosen)
        made = {SUBSET_NAMES[p]: _column([c.interval(chosen, p) for c in found], direction) for p in PRESENT}
        about = f"{chosen} by the modalities present"
    return Table(
        columns,
        f"Test split of {manifest.dataset}, {about}; mean and standard deviation over {_seeds(found)}. "
        "The best mean of a column is bold.",
        (Column("", "contender"), *(Column(name, align="right") for name in made)),
        list(zip(labels(found), *made.values(), strict=True)),
    )


def _column(intervals: Sequence[Interval | None], direction: Direction) -> list[Cell]:
    means = [None if interval is None else round(interval.mean, 4) for interval in intervals]
    known = (mean for mean in means if mean is not None)
    best = max(known, key=lambda mean: oriented(mean, direction), default=None)
    return [
        Cell(None, DASH) if interval is None else Cell(interval, mean_with_deviation(interval), mean == best)
        for interval, mean in zip(intervals, means, strict=True)
    ]


def _seeds(found: Sequence[Contender]) -> str:
    seeds = sorted({seed for one in found for values in one.values.values() for seed in values if seed >= 0})
    return f"seeds {', '.join(map(str, seeds))}" if seeds else "no seeds"
