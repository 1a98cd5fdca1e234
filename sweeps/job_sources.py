"""Where jobs come from: a list of them, or the search that proposes one after another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import final

from results.histories import RunHistory
from results.journal import Journal, read_journal
from results.layout import SweepLayout
from results.records import RunKey, RunState
from sweeps.jobs import Job
from sweeps.parameters import Value
from sweeps.scheduling import bars
from sweeps.search import Outcome, Proposer
from sweeps.spec import SweepSpec

ReadRun = Callable[[RunKey], RunHistory | None]
"""Looks a run up in the records."""


class NoJob(Enum):
    """Why there is no job: `LATER` until a running one is done, or `NEVER` again."""

    LATER = auto()
    NEVER = auto()


class JobSource(ABC):
    """Abstract: gives jobs one after another, and skips those whose records are final."""

    @abstractmethod
    def next_job(self) -> Job | NoJob:
        """The next run to do."""

    @abstractmethod
    def completed(self, key: RunKey) -> None:
        """A run that was given out will not go on; its records say what came of it."""


@final
class JobList(JobSource):
    """Jobs known in advance."""

    def __init__(self, jobs: Iterable[Job], read_run: ReadRun) -> None:
        self._waiting = deque(job for job in jobs if not is_done(read_run(job.key)))

    def next_job(self) -> Job | NoJob:
        """The next one of the list."""
        return self._waiting.popleft() if self._waiting else NoJob.NEVER

    def completed(self, key: RunKey) -> None:
        """Nothing depends on it."""


@final
class SearchJobs(JobSource):
    """The search: proposal n is made from the outcomes of proposals up to n - max_concurrent and no others.

    Every proposal is made durable before it is given out. After a kill the recorded ones are repeated, so that the
    sweep goes on as if nothing had happened. A proposal that repeats an earlier configuration trains nothing: its
    outcome is the earlier one's.

    Args:
        spec: the sweep.
        layout: its folder; the journal of proposals is written there.
        fingerprint: of the data set.
        higher_is_better: of the monitored metric.
        read_run: looks a run up in the records.
    """

    def __init__(
        self,
        spec: SweepSpec,
        layout: SweepLayout,
        fingerprint: str,
        *,
        higher_is_better: bool,
        read_run: ReadRun,
    ) -> None:
        self._spec = spec
        self._fingerprint = fingerprint
        self._higher = higher_is_better
        self._read_run = read_run
        first = None
        if spec.search.paper_first:
            first = spec.space.default_point(spec.paper_config(fingerprint))
        self._proposer = Proposer(spec.space, spec.search, "max" if higher_is_better else "min", first)
        self._recorded: list[dict[str, Value]] = [row["values"] for row in read_journal(layout.proposals)]
        self._journal = Journal.open(layout.proposals)
        self._keys: list[RunKey] = []
        self._learned = 0
        self._outcomes: dict[RunKey, Outcome] = {}

    def next_job(self) -> Job | NoJob:
        """The next proposal whose run is not done."""
        while len(self._keys) < self._spec.search.num_configs:
            settled = max(len(self._keys) - self._spec.search.max_concurrent + 1, 0)
            if any(key not in self._outcomes for key in self._keys[:settled]):
                return NoJob.LATER
            job = self._propose(settled)
            if job is not None:
                return job
        self._journal.close()
        return NoJob.NEVER

    def completed(self, key: RunKey) -> None:
        """Read what came of a run."""
        self._outcomes[key] = outcome(self._read_run(key))

    def _propose(self, settled: int) -> Job | None:
        """Propose from the outcomes of the first `settled` proposals; none if the run is done or is running."""
        number = len(self._keys)
        for known in range(self._learned, settled):
            self._proposer.learn(known, self._outcomes[self._keys[known]])
        self._learned = max(self._learned, settled)
        values = self._values(number)
        job = Job(
            config=self._spec.configuration(values, self._fingerprint),
            seed=self._spec.seed_plan().search[0],
            phase="search",
            role="candidate",
            number=number,
            values=values,
            bars=self._bars(settled),
        )
        repeated = job.key in self._keys
        self._keys.append(job.key)
        if repeated:
            return None
        history = self._read_run(job.key)
        if is_done(history):
            self._outcomes[job.key] = outcome(history)
            return None
        return job

    def _values(self, number: int) -> dict[str, Value]:
        if number < len(self._recorded):
            values = self._recorded[number]
            self._proposer.repeat(values)
            return values
        values = self._proposer.propose()
        self._journal.append({"kind": "proposal", "number": number, "values": values})
        return values

    def _bars(self, settled: int) -> dict[int, float]:
        curves = [self._outcomes[key].curve for key in dict.fromkeys(self._keys[:settled])]
        max_epochs = self._spec.base_config(self._fingerprint).trainer.max_epochs
        return bars(self._spec.scheduler, max_epochs, curves, higher_is_better=self._higher)


def is_done(history: RunHistory | None) -> bool:
    """Whether a run has ended and is not to be started again."""
    return history is not None and history.state.is_final


def outcome(history: RunHistory | None) -> Outcome:
    """What came of a run, from its records; a run without an end line is `lost`."""
    if history is None:
        return Outcome(RunState.LOST, {})
    return Outcome(history.state, history.curve)
