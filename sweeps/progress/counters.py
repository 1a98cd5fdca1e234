"""Counts the runs of a sweep by state, and computes its pace and an upper bound of the time left."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from results.records.histories import RunHistory
from results.records.objectives import Objectives
from results.records.schemas import RunKey, RunState
from sweeps.jobs.evaluate import PHASES
from sweeps.jobs.job import Job
from sweeps.progress.leader import BestSoFar, Leader

WINDOW_SECONDS = 300.0
"""The pace is computed over the last so many seconds."""


@dataclass(frozen=True, slots=True)
class RunningRun:
    """A run in training: its name, the number of epochs done, and the best score so far (None before the first)."""

    name: str
    epoch: int
    score: float | None


@dataclass(frozen=True, slots=True)
class SweepStatus:
    """How far a sweep is.

    Attributes:
        phase: the current phase, with its number among the phases that train.
        ended: the number of runs that have ended, by state, including those of earlier sessions.
        reused: how many of them were reused from other sweeps.
        restarts: how often a run was restarted after a fault of the machine, in this session.
        running: the runs in training, in the order of their beginning.
        ahead: the largest number of further runs in this phase and in later ones.
        epochs: epochs done in this session.
        max_epochs: the most epochs of one run.
        share: a lower bound of the share of this session's epochs that are done, between 0 and 1.
        leader: the leading configuration; None before a run has finished.
        runs_an_hour, epochs_a_second: the pace in the last minutes; None before an epoch is done.
        elapsed: seconds since the session began.
        seconds_left: the time left in seconds if no further run ends early; None while the pace is unknown.
    """

    phase: str
    ended: dict[RunState, int]
    reused: int
    restarts: int
    running: tuple[RunningRun, ...]
    ahead: int
    epochs: int
    max_epochs: int
    share: float
    leader: Leader | None
    runs_an_hour: float | None
    epochs_a_second: float | None
    elapsed: float
    seconds_left: float | None


class SweepCounters:
    """Counts the events of runs.

    All runs ahead count with `max_epochs`, so the epochs ahead are an upper bound, which falls as runs end early.

    Args:
        max_epochs: the most epochs of one run.
        objectives: the monitored metric with its direction, and constraints, for the leader.
        clock: the time in seconds; for tests.
    """

    def __init__(
        self,
        *,
        max_epochs: int,
        objectives: Objectives,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_epochs = max_epochs
        self._clock = clock
        self._began = clock()
        self._phase = ""
        self._best = BestSoFar(objectives)
        self._begun: set[RunKey] = set()
        self._running: dict[RunKey, RunningRun] = {}
        self._ended: Counter[RunState] = Counter()
        self._earlier: Counter[str] = Counter()
        self._reused = self._restarts = self._ahead = self._epochs = 0
        self._steps: deque[tuple[float, int, int]] = deque()
        """The time, the epochs and the runs of each step within the window."""

    def earlier(self, histories: Iterable[RunHistory]) -> None:
        """Count the runs that ended in earlier sessions."""
        for run in histories:
            if run.state.is_final:
                self._count(run)
                self._reused += run.reused_from is not None
                self._earlier[run.phase] += 1

    def phase(self, name: str, runs: int) -> None:
        """A phase begins. `runs` is the largest number of runs of this phase and all later ones together."""
        place = PHASES.index(name) if name in PHASES else len(PHASES)
        self._phase = f"{name} (phase {place + 1} of {len(PHASES)})" if name in PHASES else name
        self._ahead = max(runs - sum(self._earlier[phase] for phase in PHASES[place:]), 0)

    def started(self, job: Job) -> None:
        """The runs of a job were started or restarted."""
        for key in job.keys:
            if key not in self._begun:
                self._begun.add(key)
                self._ahead = max(self._ahead - 1, 0)
            number = "" if job.number is None else f"#{job.number} "
            self._running[key] = RunningRun(f"{number}{key.config_id[:8]} seed {key.seed}", 0, None)

    def epoch_done(self, key: RunKey, epoch: int, score: float | None) -> None:
        """A run reported its epoch `epoch`."""
        before = self._running[key]
        done = max(epoch - before.epoch, 0)
        self._running[key] = RunningRun(before.name, before.epoch + done, score)
        self._epochs += done
        self._step(done, 0)

    def ended(self, run: RunHistory) -> None:
        """A started run has ended."""
        self._running.pop(run.key, None)
        self._count(run)
        self._step(0, 1)

    def reused(self, run: RunHistory) -> None:
        """A run was reused from another sweep."""
        self._ahead = max(self._ahead - 1, 0)
        self._reused += 1
        self._count(run)

    def reopened(self, run: RunHistory) -> None:
        """A run that had ended is trained again. `run` is its record as it had ended."""
        self._ended[run.state] -= 1
        self._earlier[run.phase] -= 1
        self._reused -= run.reused_from is not None

    def stopped(self, key: RunKey, *, again: bool) -> None:
        """An attempt has ended and its run has not. `again`: this session starts another attempt."""
        self._running.pop(key, None)
        self._restarts += again

    def status(self) -> SweepStatus:
        """How far the sweep is now."""
        ahead = self._ahead * self._max_epochs
        ahead += sum(self._max_epochs - run.epoch for run in self._running.values())
        now = self._clock()
        epochs_a_second, runs_an_hour = self._pace(now)
        return SweepStatus(
            phase=self._phase,
            ended=dict(+self._ended),
            reused=self._reused,
            restarts=self._restarts,
            running=tuple(self._running.values()),
            ahead=self._ahead,
            epochs=self._epochs,
            max_epochs=self._max_epochs,
            share=self._epochs / (self._epochs + ahead) if self._epochs else 0.0,
            leader=self._best.leader(),
            runs_an_hour=runs_an_hour,
            epochs_a_second=epochs_a_second,
            elapsed=now - self._began,
            seconds_left=ahead / epochs_a_second if epochs_a_second else None,
        )

    def _count(self, run: RunHistory) -> None:
        self._ended[run.state] += 1
        self._best.add(run)

    def _step(self, epochs: int, runs: int) -> None:
        now = self._clock()
        self._steps.append((now, epochs, runs))
        while self._steps and self._steps[0][0] < now - WINDOW_SECONDS:
            self._steps.popleft()

    def _pace(self, now: float) -> tuple[float | None, float | None]:
        """Epochs a second and runs an hour, over the window or since the session began; None before a step."""
        recent = [step for step in self._steps if step[0] >= now - WINDOW_SECONDS]
        seconds = min(now - self._began, WINDOW_SECONDS)
        epochs, runs = sum(step[1] for step in recent), sum(step[2] for step in recent)
        if not recent or seconds <= 0.0:
            return None, None
        return epochs / seconds, 3600.0 * runs / seconds
