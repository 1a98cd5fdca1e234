"""What a search has used of its budget, from its records.

What is proposed never depends on a budget, only how much: `runs` and `target` are judged from the same settled outcomes
that a proposal is made from, so they cut at the same proposal on every machine. `hours` and `gpu_hours` depend on how
fast the machine is, and so does the number of proposals under them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from results.records.histories import RunHistory
from results.records.objectives import Objectives
from results.records.schemas import RunKey, RunState
from sweeps.search.outcomes import Outcome
from sweeps.spec.sections import BudgetSection

Span = tuple[datetime, datetime, float]
"""From, to, and GPUs meanwhile."""

_HOUR = timedelta(hours=1)


class BudgetUse:
    """What has been used, kept as jobs begin and end.

    Args:
        budget: the limits.
        gpus: what a trial takes while it runs, as the sweep's file says; how much it took stands in its records.
        objectives: which scores are better; a configuration that misses a constraint reaches no target.
        clock: the time in UTC; for tests.
    """

    def __init__(
        self,
        budget: BudgetSection,
        *,
        gpus: float,
        objectives: Objectives,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._budget = budget
        self._gpus = gpus
        self._objectives = objectives
        self._clock = clock
        self._running: dict[RunKey, datetime] = {}
        self._spans: list[Span] = []

    def begun(self, key: RunKey, earlier: Sequence[RunHistory | None]) -> None:
        """A job is given out, by the key of its first run; `earlier` is what is on record of its runs already."""
        self._running[key] = self._clock()
        self._spans += _spans(earlier)

    def ended(self, key: RunKey, histories: Sequence[RunHistory | None]) -> None:
        """A job has ended, in this session or in an earlier one."""
        begun = self._running.pop(key, None)
        self._spans += [span for span in _spans(histories) if begun is None or span[1] > begun]

    def used_up(self, runs: int, settled: Mapping[str, Outcome]) -> str:
        """Which part of the budget is used up, in words, or an empty text.

        Args:
            runs: different configurations proposed so far.
            settled: what the next proposal is made from, by config_id.
        """
        budget = self._budget
        if budget.runs is not None and runs >= budget.runs:
            return f"budget.runs: {runs} of {budget.runs} configurations have run"
        if reached := self._reached(settled):
            return reached
        if budget.hours is None and budget.gpu_hours is None:
            return ""
        now = self._clock()
        spans = [*self._spans, *((since, now, self._gpus) for since in self._running.values())]
        hours, gpu_hours = wall_hours(spans), device_hours(spans)
        if budget.hours is not None and hours >= budget.hours:
            return f"budget.hours: {hours:.3g} of {budget.hours:g} hours are used"
        if budget.gpu_hours is not None and gpu_hours >= budget.gpu_hours:
            return f"budget.gpu_hours: {gpu_hours:.3g} of {budget.gpu_hours:g} GPU hours are used"
        return ""

    def _reached(self, settled: Mapping[str, Outcome]) -> str:
        target = self._budget.target
        if target is None:
            return ""
        for config_id, outcome in settled.items():
            within = outcome.state is RunState.FINISHED and not self._objectives.violated(outcome.measured)
            score = outcome.score if within else None
            if score is not None and self._objectives.is_as_good(score, target):
                return (
                    f"budget.target: configuration {config_id} reached {score:.4f}, the target is {target:g}"
                )
        return ""


def _spans(histories: Iterable[RunHistory | None]) -> list[Span]:
    return [span for history in histories if history is not None for span in spans_of(history)]


def spans_of(history: RunHistory) -> list[Span]:
    """When a run was training, by attempt, from its records: to the last line that each wrote."""
    return [
        (datetime.fromisoformat(begin), datetime.fromisoformat(end), gpus)
        for begin, end, gpus in history.spans
    ]


def wall_hours(spans: Iterable[Span]) -> float:
    """The hours in which anything ran; what ran at once counts once."""
    total, reached = timedelta(), datetime.min.replace(tzinfo=UTC)
    for begin, end, _ in sorted(spans):
        total += max(end - max(begin, reached), timedelta())
        reached = max(end, reached)
    return total / _HOUR


def device_hours(spans: Iterable[Span]) -> float:
    """GPU hours."""
    return sum(gpus * ((end - begin) / _HOUR) for begin, end, gpus in spans)
