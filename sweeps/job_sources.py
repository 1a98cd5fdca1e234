"""Where jobs come from: a list of them, or the search that proposes one after another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import Any, final

from causalmer_core.errors import UserError
from results.histories import RunHistory
from results.journal import Journal, now, read_journal
from results.layout import SweepLayout
from results.records import RunKey, RunState
from sweeps import warm_start
from sweeps.jobs import Job
from sweeps.parameters import Value
from sweeps.scheduling import bars, patience
from sweeps.search import Outcome, Proposer
from sweeps.spec import SweepSpec
from sweeps.spending import Spending

ReadRun = Callable[[RunKey], RunHistory | None]
"""Looks a run up in the records."""

TakeOver = Callable[[Job], RunHistory | None]
"""Takes a job's run over from another sweep that has finished it; none where there is none."""


def nothing_to_take_over(_: Job) -> RunHistory | None:
    """For a sweep that trains all of its runs itself."""
    return None


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
        """A run that was given out has ended; its records say what came of it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the records; runs that were given out and have not ended are given out by the next source."""


@final
class JobList(JobSource):
    """Jobs known in advance."""

    def __init__(
        self, jobs: Iterable[Job], read_run: ReadRun, take_over: TakeOver = nothing_to_take_over
    ) -> None:
        self._waiting = deque(jobs)
        self._read_run = read_run
        self._take_over = take_over

    def next_job(self) -> Job | NoJob:
        """The next one of the list."""
        while self._waiting:
            job = self._waiting.popleft()
            if not is_done(self._read_run(job.key)) and not is_done(self._take_over(job)):
                return job
        return NoJob.NEVER

    def completed(self, key: RunKey) -> None:
        """Nothing depends on it."""

    def close(self) -> None:
        """Nothing is held."""


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
        take_over: takes a run over from another sweep.
    """

    def __init__(
        self,
        spec: SweepSpec,
        layout: SweepLayout,
        fingerprint: str,
        *,
        higher_is_better: bool,
        read_run: ReadRun,
        take_over: TakeOver = nothing_to_take_over,
    ) -> None:
        self._spec = spec
        self._fingerprint = fingerprint
        self._higher = higher_is_better
        self._read_run = read_run
        self._take_over = take_over
        rows = read_journal(layout.proposals)
        self._recorded: list[dict[str, Value]] = [row["values"] for row in rows if row["kind"] == "proposal"]
        self._cut: dict[str, Any] | None = cut_of(rows)
        taught = warm_start.recorded(rows)
        self._journal = Journal.open(layout.proposals)
        if taught is None and spec.search.warm_start is not None:
            taught = warm_start.gather(spec, fingerprint, higher_is_better=higher_is_better)
            self._journal.append(warm_start.as_row(taught))
        self._proposer = Proposer(
            spec.bound_space(),
            spec.search,
            "max" if higher_is_better else "min",
            spec.first_points(fingerprint),
            taught or (),
        )
        self._keys: list[RunKey] = []
        self._learned = 0
        self._outcomes: dict[RunKey, Outcome] = {}
        self._spending = Spending(spec.budget, gpus=spec.resources.gpu, higher_is_better=higher_is_better)

    def next_job(self) -> Job | NoJob:
        """The next proposal whose run is not done.

        Raises:
            UserError: the first `failure.fail_fast` configurations all failed.
        """
        self._check_first_outcomes()
        while len(self._keys) < self._spec.num_proposals:
            settled = max(len(self._keys) - self._spec.search.max_concurrent + 1, 0)
            if any(key not in self._outcomes for key in self._keys[:settled]):
                return NoJob.LATER
            if self._is_cut(settled):
                break
            job = self._propose(settled)
            if job is not None:
                return job
            self._check_first_outcomes()
        self.close()
        return NoJob.NEVER

    def completed(self, key: RunKey) -> None:
        """Read what came of a run."""
        self._settle(key, self._read_run(key))

    def close(self) -> None:
        """End writing proposals."""
        self._journal.close()

    def _settle(self, key: RunKey, history: RunHistory | None) -> None:
        self._outcomes[key] = outcome(history)
        self._spending.ended(key, history)

    def _is_cut(self, settled: int) -> bool:
        """Whether the budget leaves no further proposal; those on record were begun, and are ended whatever it says."""
        number = len(self._keys)
        if number < len(self._recorded):
            return False
        known = {key: self._outcomes[key] for key in self._keys[:settled]}
        reason = self._spending.used_up(len(set(self._keys)), known)
        if not reason:
            return False
        if self._cut is None or self._cut["number"] != number:
            self._cut = {"kind": "cut", "number": number, "reason": reason, "time": now()}
            self._journal.append(self._cut)
        return True

    def _check_first_outcomes(self) -> None:
        """Fail fast: what fails for every configuration is not the configurations' fault."""
        limit = self._spec.failure.fail_fast
        first = list(dict.fromkeys(self._keys))[:limit]
        if limit is None or len(first) < limit:
            return
        ends = [self._outcomes.get(key) for key in first]
        if all(end is not None and is_failure(end.state) for end in ends):
            raise all_failed(self._read_run(first[0]), [end.state for end in ends if end is not None])

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
            bars=self._bars(number, settled),
            patience=patience(self._spec.scheduler),
        )
        repeated = job.key in self._keys
        self._keys.append(job.key)
        if repeated:
            return None
        earlier = self._read_run(job.key)
        history = earlier if is_done(earlier) else self._take_over(job)
        if is_done(history):
            self._settle(job.key, history)
            return None
        self._spending.begun(job.key, earlier)
        return job

    def _values(self, number: int) -> dict[str, Value]:
        if number < len(self._recorded):
            values = self._recorded[number]
            self._proposer.repeat(values)
            return values
        values = self._proposer.propose()
        self._journal.append({"kind": "proposal", "number": number, "values": values})
        return values

    def _bars(self, number: int, settled: int) -> dict[int, float]:
        first = {key: other for other, key in reversed([*enumerate(self._keys[:settled])])}
        curves = {other: self._outcomes[key].curve for key, other in first.items()}
        max_epochs = self._spec.base_config(self._fingerprint).trainer.max_epochs
        return bars(self._spec.scheduler, max_epochs, curves, number=number, higher_is_better=self._higher)


def is_done(history: RunHistory | None) -> bool:
    """Whether a run has ended and is not to be started again."""
    return history is not None and history.state.is_final


def outcome(history: RunHistory | None) -> Outcome:
    """What came of a run, from its records; a run without an end line is `lost`."""
    if history is None:
        return Outcome(RunState.LOST, {})
    return Outcome(history.state, history.curve)


def cut_of(rows: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Where the budget last cut the search, of the rows of its journal: the number not proposed, and the reason; none
    where it did not, or where the search has gone on since.
    """
    last = None
    for row in rows:
        last = row if row["kind"] == "cut" else None
    return last


def is_failure(state: RunState) -> bool:
    """Whether a run ended without a score of its own."""
    return state.is_final and state not in (RunState.FINISHED, RunState.PRUNED)


def all_failed(first: RunHistory | None, states: list[RunState]) -> UserError:
    """The error for a search whose first configurations all failed, with the first reason."""
    ends = ", ".join(state.value for state in states)
    reason = "" if first is None else f"{first.key.stem}: {first.reason.strip()}"
    return UserError(
        f"the first {len(states)} configurations of the search all failed ({ends}), so it stops; the first was "
        f"{reason}\nWhat has ended stays so in the records: mend the cause and give the sweep another name, or set "
        "failure.fail_fast to null to search on in this one"
    )
