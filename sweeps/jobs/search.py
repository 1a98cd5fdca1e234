"""The search as a source of jobs: one proposal after another, each in blocks of seeds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, final

from causalmer_core.basics.errors import UserError
from results.records.histories import RunHistory
from results.records.journal import Journal, now, read_journal
from results.records.layout import SweepLayout
from results.records.objectives import Objectives
from results.records.schemas import RunKey, RunState
from sweeps.jobs.job import Job
from sweeps.jobs.observer import SearchWatcher
from sweeps.jobs.source import JobSource, NoJob, ReadRun, TakeOver, has_ended, nothing_to_take_over
from sweeps.search import warm_start
from sweeps.search.budget import BudgetUse
from sweeps.search.early_stopping import patience, rung_thresholds
from sweeps.search.outcomes import Outcome, outcome
from sweeps.search.proposer import Proposer
from sweeps.space.parameters import Value
from sweeps.spec.configurations import Configurations
from sweeps.spec.sweep_spec import SweepSpec


@dataclass(slots=True)
class _Searched:
    """A configuration of the search.

    Attributes:
        keys: its runs.
        blocks: its jobs, while it is open; each begins when the one before has finished.
        ended: what came of those that are over.
        outcome: what came of the configuration; none while it is open.
    """

    keys: tuple[RunKey, ...]
    blocks: tuple[Job, ...]
    ended: list[Outcome] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def next_block(self) -> Job:
        return self.blocks[len(self.ended)]


@final
class SearchJobs(JobSource):
    """The search: proposal n is made from the outcomes of proposals up to n - max_concurrent and no others.

    Every proposal is made durable before it is given out. After a kill the recorded ones are repeated, so that the
    sweep goes on as if nothing had happened. A proposal that repeats an earlier configuration trains nothing: its
    outcome is the earlier one's.

    Args:
        spec: the sweep.
        configurations: the configurations of its runs.
        layout: its folder; the journal of proposals is written there.
        read_run: looks a run up in the records.
        take_over: takes a job's runs over from another sweep.
        watcher: who is told.
        objectives: which scores are better; further objectives, and constraints.
    """

    def __init__(
        self,
        spec: SweepSpec,
        configurations: Configurations,
        layout: SweepLayout,
        *,
        objectives: Objectives,
        read_run: ReadRun,
        take_over: TakeOver = nothing_to_take_over,
        watcher: SearchWatcher | None = None,
    ) -> None:
        self._spec = spec
        self._measures = objectives.measures
        self._watcher = watcher
        self._configurations = configurations
        self._max_epochs = configurations.base.trainer.max_epochs
        self._direction = objectives.direction
        self._read_run = read_run
        self._take_over = take_over
        rows = read_journal(layout.proposals)
        self._recorded: list[dict[str, Value]] = [row["values"] for row in rows if row["kind"] == "proposal"]
        self._cut: dict[str, Any] | None = cut_of(rows)
        taught = warm_start.trials_on_record(rows)
        self._journal = Journal.open(layout.proposals, layout.store.push)
        if taught is None and spec.search.warm_start is not None:
            taught = warm_start.gather(spec, configurations, objectives)
            self._journal.append(warm_start.as_row(taught))
        self._proposer = Proposer(
            configurations.space,
            spec.search,
            objectives,
            spec.first_points,
            taught or (),
        )
        self._ids: list[str] = []
        """The configuration of each proposal."""
        self._searched: dict[str, _Searched] = {}
        self._ready: deque[_Searched] = deque()
        """Configurations whose next block waits to be given out."""
        self._settled = 0
        """So many of the first proposals have outcomes."""
        self._learned = 0
        self._budget_use = BudgetUse(spec.budget, gpus=spec.resources.least.gpu, objectives=objectives)

    def next_job(self) -> Job | NoJob:
        """The next block of a configuration that was begun, else the next proposal's first one.

        Raises:
            UserError: the first `failure.fail_fast` configurations all failed.
        """
        self._check_first_outcomes()
        while self._ready:
            if (job := self._next_of(self._ready.popleft())) is not None:
                return job
        while len(self._ids) < self._spec.num_proposals:
            settled = max(len(self._ids) - self._spec.search.max_concurrent + 1, 0)
            if not self._has_settled(settled):
                return NoJob.LATER
            if self._is_cut(settled):
                break
            job = self._propose(settled)
            if job is not None:
                return job
            self._check_first_outcomes()
        if any(len(found.ended) + 1 < len(found.blocks) for found in self._open()):
            return NoJob.LATER
        self.close()
        return NoJob.NEVER

    def completed(self, job: Job) -> None:
        """Read what came of a block."""
        found = self._searched[job.key.config_id]
        self._settle(found)
        if found.outcome is None:
            self._ready.append(found)

    def close(self) -> None:
        """End writing proposals."""
        self._journal.close()

    def _open(self) -> Iterable[_Searched]:
        return (found for found in self._searched.values() if found.outcome is None)

    def _has_settled(self, count: int) -> bool:
        """Whether the first so many proposals have outcomes."""
        while self._settled < len(self._ids) and self._outcome_of(self._settled) is not None:
            self._settled += 1
        return self._settled >= count

    def _outcome_of(self, number: int) -> Outcome | None:
        return self._searched[self._ids[number]].outcome

    def _next_of(self, found: _Searched) -> Job | None:
        """A configuration's next block that is to be trained; what is on record, or can be taken over, is settled."""
        while found.outcome is None:
            job = found.next_block
            if not has_ended(job, self._read_run) and not self._take_over(job):
                self._budget_use.begun(job.key, self._histories(job.keys))
                return job
            self._settle(found)
        return None

    def _settle(self, found: _Searched) -> None:
        """A block is over. The configuration is, too, with its last block or the first that did not finish."""
        job, count = found.next_block, len(found.blocks)
        histories = self._histories(job.keys)
        self._budget_use.ended(job.key, histories)
        ended = outcome(histories, self._measures)
        found.ended.append(ended)
        if ended.state is not RunState.FINISHED:
            found.outcome = _later(ended, self._max_epochs * (len(found.ended) - 1))
        elif len(found.ended) == count:
            found.outcome = ended if count == 1 else outcome(self._histories(found.keys), self._measures)
        if found.outcome is not None:
            found.blocks = ()  # a job holds a whole configuration, and thousands may come
            self._tell_end(found)

    def _tell_end(self, found: _Searched) -> None:
        if self._watcher and found.outcome is not None:
            self._watcher.ended(found.keys[0].config_id, self._histories(found.keys))

    def _histories(self, keys: Iterable[RunKey]) -> list[RunHistory | None]:
        return [self._read_run(key) for key in keys]

    def _is_cut(self, settled: int) -> bool:
        """Whether the budget leaves no further proposal; those on record were begun, and are ended whatever it says."""
        number = len(self._ids)
        if number < len(self._recorded):
            return False
        known = {self._ids[n]: end for n in range(settled) if (end := self._outcome_of(n)) is not None}
        reason = self._budget_use.used_up(len(self._searched), known)
        if not reason:
            return False
        if self._cut is None or self._cut["number"] != number:
            self._cut = {"kind": "cut", "number": number, "reason": reason, "time": now()}
            self._journal.append(self._cut)
        return True

    def _check_first_outcomes(self) -> None:
        """Fail fast: what fails for every configuration is not the configurations' fault."""
        limit = self._spec.failure.fail_fast
        first = list(self._searched.values())[:limit]
        if limit is None or len(first) < limit:
            return
        ends = [found.outcome for found in first]
        if all(end is not None and end.is_failure for end in ends):
            raise all_failed(self._histories(first[0].keys), [end.state for end in ends if end is not None])

    def _propose(self, settled: int) -> Job | None:
        """Propose from the outcomes of the first `settled` proposals; none if there is nothing to train."""
        number = len(self._ids)
        for known in range(self._learned, settled):
            if (end := self._outcome_of(known)) is not None:
                self._proposer.learn(known, end)
        self._learned = max(self._learned, settled)
        values = self._values(number)
        blocks = self._blocks(number, values, settled)
        identity = blocks[0].key.config_id
        self._ids.append(identity)
        if self._watcher:
            self._watcher.proposed(number, identity, values)
        if identity in self._searched:
            self._tell_end(self._searched[identity])
            return None
        keys = tuple(key for block in blocks for key in block.keys)
        self._searched[identity] = found = _Searched(keys, blocks)
        return self._next_of(found)

    def _blocks(self, number: int, values: dict[str, Value], settled: int) -> tuple[Job, ...]:
        config = self._configurations.of(values)
        return tuple(
            Job(
                config=config,
                seeds=seeds,
                phase="search",
                role="candidate",
                number=number,
                values=values,
                rung_thresholds=self._rung_thresholds(number, block, settled),
                patience=patience(self._spec.scheduler),
            )
            for block, seeds in enumerate(self._spec.search_blocks())
        )

    def _values(self, number: int) -> dict[str, Value]:
        if number < len(self._recorded):
            values = self._recorded[number]
            self._proposer.repeat(values)
            return values
        values = self._proposer.propose()
        self._journal.append({"kind": "proposal", "number": number, "values": values})
        return values

    def _rung_thresholds(self, number: int, block: int, settled: int) -> dict[int, float]:
        """A block is held against the same block of earlier configurations, those that came so far."""
        first = {identity: other for other, identity in reversed([*enumerate(self._ids[:settled])])}
        ended = {other: self._searched[identity].ended for identity, other in first.items()}
        curves = {other: blocks[block].curve for other, blocks in ended.items() if len(blocks) > block}
        return rung_thresholds(
            self._spec.scheduler, self._max_epochs, curves, number=number, direction=self._direction
        )


def _later(ended: Outcome, epochs: int) -> Outcome:
    """The outcome of a block that comes after others: to the sampler it got further than what ended before."""
    return replace(ended, curve={epochs + epoch: score for epoch, score in ended.curve.items()})


def cut_of(rows: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Where the budget last cut the search, of the rows of its journal: the number not proposed, and the reason; none
    where it did not, or where the search has gone on since.
    """
    last = None
    for row in rows:
        last = row if row["kind"] == "cut" else None
    return last


def all_failed(first: Iterable[RunHistory | None], states: Iterable[RunState]) -> UserError:
    """The error for a search whose first configurations all failed, with the reason of the first run that did."""
    failed = [h for h in first if h is not None and h.state not in (RunState.FINISHED, RunState.PRUNED)]
    ends = [state.value for state in states]
    reason = f"{failed[0].key.stem}: {failed[0].reason.strip()}" if failed else ""
    return UserError(
        f"the first {len(ends)} configurations of the search all failed ({', '.join(ends)}), so it stops; the first "
        f"was {reason}\nMend the cause and run the same command with --retry-failed. Where the cause is in what "
        "the configurations have in common, that is another sweep: give it another name. To search on regardless, set "
        "failure.fail_fast to null"
    )
