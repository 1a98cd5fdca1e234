"""What came of a configuration in the search, from the records of its runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from results.ranking.configuration_runs import mean_objective_values, objective_values
from results.records.histories import RunHistory
from results.records.schemas import RunState
from sweeps.search.early_stopping import Curve, mean_score


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a block of runs, or of a whole configuration.

    Attributes:
        state: `finished` where all runs finished, else that of the first that failed, else `pruned`. `finished` and
            `pruned` teach the sampler, every other state is a failure, never a bad score.
        curve: the mean of the best scores so far after each epoch; empty where a run failed before the first.
        measured: the means of the measures that the sweep's goals are about, of those that every run has.
    """

    state: RunState
    curve: Curve
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float | None:
        """The best score, if there is a finite one."""
        last = self.curve[max(self.curve)] if self.curve else math.nan
        return last if math.isfinite(last) else None

    @property
    def is_failure(self) -> bool:
        """Whether it ended without a score of its own."""
        return self.state.is_final and self.state not in (RunState.FINISHED, RunState.PRUNED)


def outcome(histories: Sequence[RunHistory | None], measures: Iterable[str] = ()) -> Outcome:
    """What came of runs with one configuration; one without an end line is `lost`.

    Args:
        histories: of the runs.
        measures: what is wanted of them beside the score.
    """
    states = [RunState.LOST if history is None else history.state for history in histories]
    curves = [history.curve for history in histories if history is not None]
    if len(curves) < len(histories) or not all(curves):
        return Outcome(_together(states), {})
    wanted = [objective_values(history, measures) for history in histories if history is not None]
    return Outcome(_together(states), _mean(curves, states), mean_objective_values(wanted))


def _together(states: Sequence[RunState]) -> RunState:
    """The first failure, else whether anything was pruned."""
    others = [state for state in states if state is not RunState.FINISHED]
    return min(others, key=lambda state: state is RunState.PRUNED, default=RunState.FINISHED)


def _mean(curves: Sequence[Curve], states: Sequence[RunState]) -> dict[int, float]:
    """The mean by epoch, to where the first that did not finish stopped; what finished before stays as it was."""
    lasts = [max(curve) for curve in curves]
    cut = [last for last, state in zip(lasts, states, strict=True) if state is not RunState.FINISHED]
    found = {}
    for epoch in range(1, min(cut, default=max(lasts)) + 1):
        scores = [curve.get(min(epoch, last)) for curve, last in zip(curves, lasts, strict=True)]
        score = mean_score(scores)
        if score is not None:
            found[epoch] = score
    return found
