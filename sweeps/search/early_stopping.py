"""When a weak trial is cut, by rules whose decisions do not depend on timing.

The score of a trial is the mean over the seeds of its block.

`asha`        the stopping form of asynchronous successive halving (Li et al., "A System for Massively Parallel
              Hyperparameter Tuning", MLSys 2020): at rungs, epochs g, g r, g r^2, ... for the grace period g and the
              reduction factor r, a trial goes on only if its best score so far is among the best 1/r of those that
              reached the rung.
`hyperband`   the same in brackets (Li et al., "Hyperband", JMLR 2018): the first rung of bracket b is g r^b, and the
              last bracket has none.
`median`      at every epoch from g on, a trial goes on only if its best score so far reaches the median of those of
              earlier trials at that epoch (Golovin et al., "Google Vizier", KDD 2017).
`patience`    a run ends by itself after epochs without a new best; it has no bars.

Where we differ: a trial is held against the trials whose results its own proposal was made from, those numbered
up to n - max_concurrent, and against no others. Their records are final before it starts, so the bar at each of
its rungs is known when it starts. So the same sweep gives the same records whatever trial happens to end first,
and after a kill the bars are computed again from the records. The price is that a trial is held against slightly
fewer others. Ray's scheduler loses its rungs when the driver dies and lets NaN pass; this has no state to lose.
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

Curve = Mapping[int, float]
"""A trial's best score so far, after each of its epochs."""


def num_brackets(scheduler: Scheduler, max_epochs: int) -> int:
    """How many brackets proposals take turns in: 1 but for Hyperband."""
    if not isinstance(scheduler, HyperbandScheduler):
        return 1
    return len(_geometric(scheduler, max_epochs)) + 1


def rungs(scheduler: Scheduler, max_epochs: int, number: int = 0) -> tuple[int, ...]:
    """The epochs below `max_epochs` after which proposal `number` may be cut."""
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
    """The score that a trial must reach at each rung.

    A rung that too few earlier trials reached has no bar: fewer than `reduction_factor`, or than `min_proposals`. The
    bar of a rung is the score that splits off the best 1/r, or the best half, of the earlier trials at the rung (linear
    interpolation between scores); a trial at the bar goes on.

    Args:
        scheduler: the rule.
        max_epochs: of a run.
        earlier: the curves of earlier trials, by the numbers of their proposals.
        number: of the trial's own proposal.
        direction: whether more (`max`) or less (`min`) of the score is better.
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
    """What a block of runs is judged by; none while one of them has no score."""
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known and len(known) == len(scores) else None


def patience(scheduler: Scheduler) -> int | None:
    """After how many epochs without a new best a run of the search ends; none: it does not."""
    return scheduler.epochs if isinstance(scheduler, PatienceScheduler) else None


def out_of_patience(job_patience: int | None, epoch: int, best_epoch: int) -> str:
    """Why a run ends after this epoch although its configuration goes on, or an empty text."""
    waited = epoch - best_epoch
    if job_patience is None or epoch == 0 or waited < job_patience:
        return ""
    return f"{waited} epochs without a new best{_PATIENCE}"


def lost_patience(reason: str) -> bool:
    """Whether a run ended for the reason that `out_of_patience` gives."""
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
    """Which share of the trials goes on at a rung, and how many there must be."""
    if isinstance(scheduler, AshaScheduler | HyperbandScheduler):
        return 1.0 / scheduler.reduction_factor, scheduler.reduction_factor
    return 0.5, scheduler.min_proposals if isinstance(scheduler, MedianScheduler) else 1


def misses_threshold(score: float, threshold: float, *, direction: Direction) -> bool:
    """Whether a score misses its bar; a score that is not a number always does."""
    return not oriented(score, direction) >= oriented(threshold, direction)


def pruning_reason(
    rung_thresholds: Mapping[int, float],
    epoch: int,
    score: float | None,
    *,
    direction: Direction,
    seeds: Sequence[int] = (),
) -> str:
    """Why a trial with this best score is pruned after this epoch, or an empty text.

    `seeds` are those that the score is the mean over.
    """
    bar = rung_thresholds.get(epoch)
    if bar is None or score is None or not misses_threshold(score, bar, direction=direction):
        return ""
    what = (
        "best score" if len(seeds) < 2 else f"best score, the mean over seeds {', '.join(map(str, seeds))},"
    )
    return f"{what} {score:.4f} misses the bar {bar:.4f} at epoch {epoch}"


def _finite(scores: Iterable[float]) -> list[float]:
    return [score for score in scores if np.isfinite(score)]
