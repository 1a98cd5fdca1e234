"""The outcome of a configuration in the search, from the records of its runs."""

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
    """The outcome of a block of runs, or of a whole configuration.

    Attributes:
        state: `finished` if all runs finished, else the state of the first failed run, else `pruned`. The sampler
            learns from `finished` and `pruned`. Every other state is a failure, never a bad score.
        curve: the mean of the runs' best scores so far after each epoch; empty if a run has no epoch.
        measured: the mean of each measure of the sweep's objectives that every run has.
    """

    state: RunState
    curve: Curve
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float | None:
        """The mean best score at the last epoch; None if it is missing or not finite."""
        last = self.curve[max(self.curve)] if self.curve else math.nan
        return last if math.isfinite(last) else None

    @property
    def is_failure(self) -> bool:
        """Whether the state is final, and neither `finished` nor `pruned`."""
        return self.state.is_final and self.state not in (RunState.FINISHED, RunState.PRUNED)


def outcome(histories: Sequence[RunHistory | None], measures: Iterable[str] = ()) -> Outcome:
    """The outcome of runs with one configuration.

    Args:
        histories: the runs; None for a run that has no record, which counts as `lost`.
        measures: the measures of the outcome beside the score.
    """
    states = [RunState.LOST if history is None else history.state for history in histories]
    curves = [history.curve for history in histories if history is not None]
    if len(curves) < len(histories) or not all(curves):
        return Outcome(_common_state(states), {})
    wanted = [objective_values(history, measures) for history in histories if history is not None]
    return Outcome(_common_state(states), _mean(curves, states), mean_objective_values(wanted))


def _common_state(states: Sequence[RunState]) -> RunState:
    """The first failure, else `pruned` if a run was pruned, else `finished`."""
    others = [state for state in states if state is not RunState.FINISHED]
    return min(others, key=lambda state: state is RunState.PRUNED, default=RunState.FINISHED)


def _mean(curves: Sequence[Curve], states: Sequence[RunState]) -> dict[int, float]:
    """The mean by epoch, up to the last epoch of the first run that did not finish."""
    # a run that finished before that keeps its last best score
    lasts = [max(curve) for curve in curves]
    cut = [last for last, state in zip(lasts, states, strict=True) if state is not RunState.FINISHED]
    found = {}
    for epoch in range(1, min(cut, default=max(lasts)) + 1):
        scores = [curve.get(min(epoch, last)) for curve, last in zip(curves, lasts, strict=True)]
        score = mean_score(scores)
        if score is not None:
            found[epoch] = score
    return found
