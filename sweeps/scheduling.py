"""When a weak trial is cut: successive halving whose decisions do not depend on timing.

The rule is the stopping form of asynchronous successive halving (Li et al., "A System for Massively Parallel
Hyperparameter Tuning", MLSys 2020): at rungs, epochs g, g r, g r^2, ... for the grace period g and the reduction
factor r, a trial goes on only if its best score so far is among the best 1/r of those that reached the rung.

Where we differ: a trial is held against the trials whose results its own proposal was made from, those numbered
up to n - max_concurrent, and against no others. Their records are final before it starts, so the bar at each of
its rungs is known when it starts. So the same sweep gives the same records whatever trial happens to end first,
and after a kill the bars are computed again from the records. The price is that a trial is held against slightly
fewer others. Ray's scheduler loses its rungs when the driver dies and lets NaN pass; this has no state to lose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sweeps.sections import AshaScheduler, Scheduler

Curve = Mapping[int, float]
"""A trial's best score so far, after each of its epochs."""


def rungs(scheduler: Scheduler, max_epochs: int) -> tuple[int, ...]:
    """The epochs after which a trial may be cut: g r^k below `max_epochs`."""
    if not isinstance(scheduler, AshaScheduler):
        return ()
    found = []
    epoch = scheduler.grace_epochs
    while epoch < max_epochs:
        found.append(epoch)
        epoch *= scheduler.reduction_factor
    return tuple(found)


def bars(
    scheduler: Scheduler, max_epochs: int, earlier: Sequence[Curve], *, higher_is_better: bool
) -> dict[int, float]:
    """The score that a trial must reach at each rung, from the curves of earlier trials.

    A rung that fewer than `reduction_factor` earlier trials reached has no bar. The bar is the score that splits
    off the best 1/r of the earlier trials at the rung (linear interpolation between scores); a trial at the bar
    goes on.
    """
    if not isinstance(scheduler, AshaScheduler):
        return {}
    share = 1.0 / scheduler.reduction_factor
    found = {}
    for rung in rungs(scheduler, max_epochs):
        scores = _finite(curve[rung] for curve in earlier if rung in curve)
        if len(scores) >= scheduler.reduction_factor:
            found[rung] = float(np.quantile(scores, 1.0 - share if higher_is_better else share))
    return found


def is_cut(score: float, bar: float, *, higher_is_better: bool) -> bool:
    """Whether a score misses its bar; a score that is not a number always does."""
    return not (score >= bar if higher_is_better else score <= bar)


def missed_bar(bars: Mapping[int, float], epoch: int, score: float | None, *, higher_is_better: bool) -> str:
    """Why a run with this best score is pruned after this epoch, or an empty text."""
    bar = bars.get(epoch)
    if bar is None or score is None or not is_cut(score, bar, higher_is_better=higher_is_better):
        return ""
    return f"best score {score:.4f} misses the bar {bar:.4f} at epoch {epoch}"


def _finite(scores: Iterable[float]) -> list[float]:
    return [score for score in scores if np.isfinite(score)]
