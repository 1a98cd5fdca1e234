"""How far a sweep is: runs by how they stand, the pace, and the time left at most. Pure counting, with a clock."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from results.ranking.configuration_runs import CANDIDATE, ConfigurationRuns, run_record
from results.records.histories import RunHistory
from results.records.objectives import Objectives
from results.records.schemas import RunKey, RunState
from results.statistics.intervals import Interval, t_interval
from sweeps.jobs.evaluate import PHASES
from sweeps.jobs.job import Job

WINDOW_SECONDS = 300.0
"""Pace is what was done in the last so many seconds."""


@dataclass(frozen=True, slots=True)
class RunningRun:
    """A run that is being trained: its name, epochs done, and best score so far."""

    name: str
    epoch: int
    score: float | None


@dataclass(frozen=True, slots=True)
class SweepStatus:
    """How far a sweep is.

    Attributes:
        phase: the phase that is on, with its place among those that train.
        ended: how many runs ended how, by state, earlier sessions counted in.
        reused: how many of them were taken over from other sweeps.
        restarts: how often a run was started again after a fault of the machine, in this session.
        running: the runs that are being trained, those begun first first.
        ahead: how many further runs there are, at most, in this phase and in later ones.
        epochs: epochs done in this session.
        max_epochs: of one run.
        share: of all epochs that are done, at least; between 0 and 1.
        leader: the configuration in the lead.
        runs_an_hour, epochs_a_second: in the last minutes; none before anything was done.
        elapsed: seconds since the session began.
        left: seconds, if no further run ends early; none while there is no pace to tell by.
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
    left: float | None


class SweepCounters:
    """Counts what happens to runs.

    A run that ends early takes its remaining epochs out of what is ahead, which shrinks towards the truth.

    Args:
        max_epochs: of one run.
        objectives: constraints, which go before it.
        clock: seconds; for tests.
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
        """When so many epochs and runs were done."""

    def earlier(self, histories: Iterable[RunHistory]) -> None:
        """Runs that ended in earlier sessions."""
        for run in histories:
            if run.state.is_final:
                self._count(run)
                self._reused += run.reused_from is not None
                self._earlier[run.phase] += 1

    def phase(self, name: str, runs: int) -> None:
        """A phase begins; it has so many runs at most, with all later phases."""
        place = PHASES.index(name) if name in PHASES else len(PHASES)
        self._phase = f"{name} (phase {place + 1} of {len(PHASES)})" if name in PHASES else name
        self._ahead = max(runs - sum(self._earlier[phase] for phase in PHASES[place:]), 0)

    def started(self, job: Job) -> None:
        """The runs of a job were given out, for the first time or again."""
        for key in job.keys:
            if key not in self._begun:
                self._begun.add(key)
                self._ahead = max(self._ahead - 1, 0)
            number = "" if job.number is None else f"#{job.number} "
            self._running[key] = RunningRun(f"{number}{key.config_id[:8]} seed {key.seed}", 0, None)

    def epoch_done(self, key: RunKey, epoch: int, score: float | None) -> None:
        """A run reported that so many epochs are done."""
        before = self._running[key]
        done = max(epoch - before.epoch, 0)
        self._running[key] = RunningRun(before.name, before.epoch + done, score)
        self._epochs += done
        self._step(done, 0)

    def ended(self, run: RunHistory) -> None:
        """A run that was started has ended."""
        self._running.pop(run.key, None)
        self._count(run)
        self._step(0, 1)

    def reused(self, run: RunHistory) -> None:
        """A run was taken over from another sweep."""
        self._ahead = max(self._ahead - 1, 0)
        self._reused += 1
        self._count(run)

    def stopped(self, key: RunKey, *, again: bool) -> None:
        """A run's attempt is over and the run is not; whether it is started again in this session."""
        self._running.pop(key, None)
        self._restarts += again

    def standing(self) -> SweepStatus:
        """How far the sweep is now."""
        ahead = self._ahead * self._max_epochs
        ahead += sum(self._max_epochs - run.epoch for run in self._running.values())
        now = self._clock()
        epochs_a_second, runs_an_hour = self._pace(now)
        return SweepStatus(
            phase=self._phase,
            ended=dict(self._ended),
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
            left=ahead / epochs_a_second if epochs_a_second else None,
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
        """Epochs a second and runs an hour, over the window or since the session began."""
        recent = [step for step in self._steps if step[0] >= now - WINDOW_SECONDS]
        seconds = min(now - self._began, WINDOW_SECONDS)
        epochs, runs = sum(step[1] for step in recent), sum(step[2] for step in recent)
        if not recent or seconds <= 0.0:
            return None, None
        return epochs / seconds, 3600.0 * runs / seconds


# FOLDED The configuration that leads while a sweep runs. It is shown, and nothing is chosen by it.
@dataclass(frozen=True, slots=True)
class Leader:
    """The configuration in the lead.

    Attributes:
        name: its number and its identity.
        interval: of its mean score over the seeds that it has finished.
        violated: the constraints that its means violate, in words.
    """

    name: str
    interval: Interval
    violated: tuple[str, ...] = ()

    def __str__(self) -> str:
        seeds = "1 seed" if self.interval.n == 1 else f"{self.interval.n} seeds"
        violated = "".join(f"; {words}" for words in self.violated)
        if self.interval.low is None:
            return f"{self.name}: {self.interval.mean:.4f} over {seeds}, no interval{violated}"
        return f"{self.name}: {self.interval} over {seeds}{violated}"


class BestSoFar:
    """Keeps the finished runs of candidates and finds the configuration in the lead. Nothing is chosen by it.

    Configurations that violate no constraint come first, then those with the most finished seeds, then the best mean:
    one lucky seed does not lead before a mean over several. Among several objectives the monitored metric decides.
    """

    def __init__(self, objectives: Objectives) -> None:
        self._objectives = objectives
        self._found: dict[str, ConfigurationRuns] = {}

    def add(self, run: RunHistory) -> None:
        """Note a run that has ended. Runs of the evaluation never lead: nothing is chosen by them."""
        if run.final_score is not None and run.role == CANDIDATE and run.phase != "evaluate":
            record = run_record(run, self._objectives.measures)
            known = self._found.get(run.key.config_id)
            runs = {**(known.runs if known else {}), run.key.seed: record}
            self._found[run.key.config_id] = ConfigurationRuns(run.key.config_id, runs)

    def leader(self) -> Leader | None:
        """The configuration in the lead; None before a run has finished."""
        best = max(self._found.values(), key=self._order, default=None)
        if best is None:
            return None
        name = f"#{best.number} {best.config_id[:8]}"
        return Leader(name, t_interval(list(best.finished.values())), self._violated(best))

    def _order(self, configuration: ConfigurationRuns) -> tuple[bool, int, float]:
        mean = configuration.mean_score(tuple(configuration.runs)) or 0.0
        return not self._violated(configuration), len(configuration.runs), self._objectives.oriented(mean)

    def _violated(self, configuration: ConfigurationRuns) -> tuple[str, ...]:
        return self._objectives.violated(configuration.mean_values(tuple(configuration.runs)))
