"""Early stopping of weak trials, by thresholds that do not depend on timing.

The score of a trial is the mean over the seeds of its block.

`asha`        the stopping form of asynchronous successive halving (Li et al., "A System for Massively Parallel
              Hyperparameter Tuning", MLSys 2020). Rungs are the epochs g, g r, g r^2, ... for the grace period g and
              the reduction factor r. At a rung a trial continues only if its best score so far is among the best 1/r
              of the trials that reached it.
`hyperband`   the same in brackets (Li et al., "Hyperband", JMLR 2018): the first rung of bracket b is g r^b, and the
              last bracket has none.
`median`      every epoch from g on is a rung (Golovin et al., "Google Vizier", KDD 2017). A trial continues only if
              its best score so far reaches the median of earlier trials there.
`patience`    a run ends by itself after epochs without a new best; it has no thresholds.

We differ in one point: trial n is compared only with the trials that its own proposal depends on, those numbered up to
n - max_concurrent. Their records are final before trial n starts, so its threshold at each rung is known then. So the
same sweep gives the same records, whichever trial ends first. After a kill the thresholds are computed again from the
records. In return a trial is compared with slightly fewer others. Ray's scheduler loses its rungs when the driver dies,
and lets NaN pass; this module keeps no state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from causalmer_core.measures.metrics import Direction, oriented
from sweeps.spec.search_section import (
    AshaScheduler,
    HyperbandScheduler,
    MedianScheduler,
    PatienceScheduler,
    Scheduler,
)

_PATIENCE = " (scheduler patience)"
"""The end of the reason of a run that ended by patience. Records hold it, so it must not change."""

Curve = Mapping[int, float]
"""A trial's best score so far, after each of its epochs."""


def num_brackets(scheduler: Scheduler, max_epochs: int) -> int:
    """The number of brackets, to which proposals are assigned in turn: 1 except for Hyperband."""
    if not isinstance(scheduler, HyperbandScheduler):
        return 1
    return len(_geometric(scheduler, max_epochs)) + 1


def rungs(scheduler: Scheduler, max_epochs: int, number: int = 0) -> tuple[int, ...]:
    """The epochs below `max_epochs` after which proposal `number` may be pruned."""
    if isinstance(scheduler, MedianScheduler):
        return tuple(range(scheduler.grace_epochs, max_epochs))
    if isinstance(scheduler, AshaScheduler | HyperbandScheduler):
        return _geometric(scheduler, max_epochs)[number % num_brackets(scheduler, max_epochs) :]
    return ()


def rung_thresholds(
    scheduler: Scheduler,
    max_epochs: int,
    earlier: Mapping[int, Curve],
    *,
    number: int = 0,
    direction: Direction,
) -> dict[int, float]:
    """The threshold of a trial at each rung: the score that it must reach there.

    The threshold of a rung is the quantile of earlier trials' scores that splits off the best 1/r, or the best half. It
    is interpolated linearly between scores, and a trial that equals it continues. A rung has no threshold if fewer than
    `reduction_factor`, or `min_proposals`, earlier trials reached it.

    Args:
        scheduler: the rule.
        max_epochs: the most epochs of a run.
        earlier: the curves of earlier trials, by the number of their proposal.
        number: the number of the trial's own proposal.
        direction: whether a higher (`max`) or a lower (`min`) score is better.

    Returns:
        The threshold of each rung that has one, by epoch.
    """
    share, enough = _share(scheduler)
    brackets = num_brackets(scheduler, max_epochs)
    peers = [curve for other, curve in earlier.items() if (other - number) % brackets == 0]
    found = {}
    for rung in rungs(scheduler, max_epochs, number):
        scores = _finite(curve[rung] for curve in peers if rung in curve)
        if len(scores) >= enough:
            found[rung] = float(np.quantile(scores, 1.0 - share if direction == "max" else share))
    return found


def mean_score(scores: Sequence[float | None]) -> float | None:
    """The score of a block: the mean of its runs' scores; None while a run has none."""
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known and len(known) == len(scores) else None


def patience(scheduler: Scheduler) -> int | None:
    """The number of epochs without a new best after which a search run ends; None: no limit."""
    return scheduler.epochs if isinstance(scheduler, PatienceScheduler) else None


def out_of_patience(job_patience: int | None, epoch: int, best_epoch: int) -> str:
    """The reason for which the scheduler `patience` ends a block after an epoch; empty if it does not.

    Args:
        job_patience: the largest number of epochs without a new best; None: no limit.
        epoch: the last epoch.
        best_epoch: the last epoch with a new best in any run of the block.
    """
    waited = epoch - best_epoch
    if job_patience is None or epoch == 0 or waited < job_patience:
        return ""
    return f"{waited} epochs without a new best{_PATIENCE}"


def lost_patience(reason: str) -> bool:
    """Whether `reason` is one of `out_of_patience`."""
    return reason.endswith(_PATIENCE)


def _geometric(scheduler: AshaScheduler | HyperbandScheduler, max_epochs: int) -> tuple[int, ...]:
    """The epochs g r^k below `max_epochs`."""
    found = []
    epoch = scheduler.grace_epochs
    while epoch < max_epochs:
        found.append(epoch)
        epoch *= scheduler.reduction_factor
    return tuple(found)


def _share(scheduler: Scheduler) -> tuple[float, int]:
    """The share of trials that continue at a rung, and the least number of earlier trials for a threshold."""
    if isinstance(scheduler, AshaScheduler | HyperbandScheduler):
        return 1.0 / scheduler.reduction_factor, scheduler.reduction_factor
    return 0.5, scheduler.min_proposals if isinstance(scheduler, MedianScheduler) else 1


def misses_threshold(score: float, threshold: float, *, direction: Direction) -> bool:
    """Whether a score is worse than its threshold; NaN always is."""
    return not oriented(score, direction) >= oriented(threshold, direction)


def pruning_reason(
    rung_thresholds: Mapping[int, float],
    epoch: int,
    score: float | None,
    *,
    direction: Direction,
    seeds: Sequence[int] = (),
) -> str:
    """The reason for which a trial is pruned after an epoch; empty if it continues.

    Args:
        rung_thresholds: the trial's thresholds, by epoch.
        epoch: the last epoch.
        score: the trial's best score so far; None if a run has none.
        direction: the direction of the score.
        seeds: the seeds of the block, over which the score is the mean.
    """
    threshold = rung_thresholds.get(epoch)
    if threshold is None or score is None or not misses_threshold(score, threshold, direction=direction):
        return ""
    mean = f", the mean over seeds {', '.join(map(str, seeds))}," if len(seeds) > 1 else ""
    return f"best score{mean} {score:.4f} misses the threshold {threshold:.4f} at epoch {epoch}"


def _finite(scores: Iterable[float]) -> list[float]:
    return [score for score in scores if np.isfinite(score)]
