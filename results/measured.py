"""What runs measured of what a sweep wants (see `results.goals`), from their records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from results.goals import Measured
from results.histories import RunHistory


def measured(history: RunHistory, measures: Iterable[str]) -> dict[str, float]:
    """What one run measured, the finite values by measure: costs of all its epochs, metrics at its best one."""
    at_best = history.best_row or {}
    costs = {
        "parameters": history.parameters,
        "epochs": len(history.epochs),
        "seconds": history.seconds,
    }
    found = {measure: costs[measure] if measure in costs else at_best.get(measure) for measure in measures}
    return {measure: float(v) for measure, v in found.items() if v is not None and math.isfinite(v)}


def mean_measured(runs: Sequence[Measured]) -> dict[str, float]:
    """The mean over runs of each measure that all of them have."""
    if not runs:
        return {}
    shared = [measure for measure in runs[0] if all(measure in run for run in runs)]
    return {measure: sum(run[measure] for run in runs) / len(runs) for measure in shared}
