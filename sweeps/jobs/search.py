"""The search as a source of jobs: one proposal after another, each in blocks of seeds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, final

from causalmer_core.basics.errors import UserError
from results.records.histories import RunHistory
from results.records.layout import SweepLayout
from results.records.objectives import Objectives
from results.records.schemas import RunKey, RunState
from results.records.seals import read_sealed
from results.storage.journal import Journal, now
from sweeps.jobs.job import Job
from sweeps.jobs.observer import SearchWatcher
from sweeps.jobs.source import JobSource, NoJob, ReadRun, ReuseRuns, has_ended, reuse_nothing
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
        blocks: its jobs; each begins when the previous one has finished. Empty once the configuration has an outcome.
        ended: the outcomes of the blocks that have ended.
        outcome: the configuration's outcome; None while a block is open.
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
    """The search: proposal n depends on the outcomes of proposals up to n - max_concurrent and on no others.

    Every proposal is durable before it is given out. A resumed search repeats the recorded proposals, so a kill changes
    nothing. A proposal that repeats an earlier configuration trains nothing: it has the earlier one's outcome.

    Args:
        spec: the sweep.
        layout: its folder, with the journal of proposals.
        configurations: the configurations of its runs.
        objectives: the monitored metric with its direction, further objectives, and constraints.
        read_run: reads a run from the records.
        reuse_runs: reuses a job's runs from another sweep.
        watcher: is notified of proposals and outcomes; None: nobody.

    Raises:
        UserError: the sweep that `search.warm_start` names cannot be used.
        JournalError: the journal of proposals cannot be read or written.
    """

    def __init__(
        self,
        spec: SweepSpec,
        configurations: Configurations,
        layout: SweepLayout,
        *,
        objectives: Objectives,
        read_run: ReadRun,
        reuse_runs: ReuseRuns = reuse_nothing,
        watcher: SearchWatcher | None = None,
    ) -> None:
        self._spec = spec
        self._measures = objectives.measures
        self._watcher = watcher
        self._configurations = configurations
        self._max_epochs = configurations.base.trainer.max_epochs
        self._direction = objectives.direction
        self._read_run = read_run
        self._reuse_runs = reuse_runs
        rows = read_sealed(layout, layout.proposals)
        self._recorded: list[dict[str, Value]] = [row["values"] for row in rows if row["kind"] == "proposal"]
        self._cut: dict[str, Any] | None = cut_of(rows)
        warm_start_trials = warm_start.trials_on_record(rows)
        self._journal = Journal.open(layout.proposals, layout.store.push)
        if warm_start_trials is None and spec.search.warm_start is not None:
            warm_start_trials = warm_start.gather(spec, configurations, objectives)
            self._journal.append(warm_start.as_row(warm_start_trials))
        self._proposer = Proposer(
            configurations.space,
            spec.search,
            objectives,
            spec.first_points,
            warm_start_trials or (),
        )
        self._ids: list[str] = []
        """The config_id of each proposal."""
        self._searched: dict[str, _Searched] = {}
        self._ready: deque[_Searched] = deque()
        """Configurations whose next block can be given out."""
        self._settled = 0
        """How many of the first proposals have outcomes, without a gap."""
        self._learned = 0
        """How many of the first proposals the sampler has learned from."""
        self._budget_use = BudgetUse(spec.budget, gpus=spec.resources.least.gpu, objectives=objectives)

    def next_job(self) -> Job | NoJob:
        """The next block of a configuration that has begun, else the first block of the next proposal.

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
            if self._out_of_budget(settled):
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
        """Read the outcome of a block."""
        found = self._searched[job.key.config_id]
        self._settle(found)
        if found.outcome is None:
            self._ready.append(found)

    def close(self) -> None:
        """Close the journal of proposals."""
        self._journal.close()

    def _open(self) -> Iterable[_Searched]:
        return (found for found in self._searched.values() if found.outcome is None)

    def _has_settled(self, count: int) -> bool:
        """Whether the first `count` proposals have outcomes."""
        while self._settled < len(self._ids) and self._outcome_of(self._settled) is not None:
            self._settled += 1
        return self._settled >= count

    def _outcome_of(self, number: int) -> Outcome | None:
        return self._searched[self._ids[number]].outcome

    def _next_of(self, found: _Searched) -> Job | None:
        """The next block to train; blocks before it are on record or were reused. None: the configuration has ended."""
        while found.outcome is None:
            job = found.next_block
            if not has_ended(job, self._read_run) and not self._reuse_runs(job):
                self._budget_use.begun(job.key, self._histories(job.keys))
                return job
            self._settle(found)
        return None

    def _settle(self, found: _Searched) -> None:
        """Note a block's outcome. The configuration ends with its last block, or with the first that did not finish."""
        job, count = found.next_block, len(found.blocks)
        histories = self._histories(job.keys)
        self._budget_use.ended(job.key, histories)
        ended = outcome(histories, self._measures)
        found.ended.append(ended)
        if ended.state is not RunState.FINISHED:
            # To the sampler a later block got further than the blocks before it, so its epochs are counted on.
            before = self._max_epochs * (len(found.ended) - 1)
            curve = {before + epoch: score for epoch, score in ended.curve.items()}
            found.outcome = replace(ended, curve=curve)
        elif len(found.ended) == count:
            found.outcome = ended if count == 1 else outcome(self._histories(found.keys), self._measures)
        if found.outcome is not None:
            found.blocks = ()  # a job holds a whole configuration, and a search may have thousands
            self._notify_end(found)

    def _notify_end(self, found: _Searched) -> None:
        if self._watcher and found.outcome is not None:
            self._watcher.ended(found.keys[0].config_id, self._histories(found.keys))

    def _histories(self, keys: Iterable[RunKey]) -> list[RunHistory | None]:
        return [self._read_run(key) for key in keys]

    def _out_of_budget(self, settled: int) -> bool:
        """Whether the budget allows no further proposal."""
        number = len(self._ids)
        # proposals on record have begun, so they are completed under any budget
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
        """Fail fast: a fault of every first configuration is not the fault of a configuration."""
        limit = self._spec.failure.fail_fast
        first = list(self._searched.values())[:limit]
        if limit is None or len(first) < limit:
            return
        ends = [found.outcome for found in first]
        if all(end is not None and end.is_failure for end in ends):
            raise all_failed(self._histories(first[0].keys), [end.state for end in ends if end is not None])

    def _propose(self, settled: int) -> Job | None:
        """Propose from the outcomes of the first `settled` proposals; None if there is nothing to train."""
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
            self._notify_end(self._searched[identity])
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
        """The thresholds of a block, from the same block of earlier configurations that reached it."""
        first = {identity: other for other, identity in reversed([*enumerate(self._ids[:settled])])}
        ended = {other: self._searched[identity].ended for identity, other in first.items()}
        curves = {other: blocks[block].curve for other, blocks in ended.items() if len(blocks) > block}
        return rung_thresholds(
            self._spec.scheduler, self._max_epochs, curves, number=number, direction=self._direction
        )


def cut_of(rows: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The row of the proposals' journal with which a budget ended the search, if that is its last row.

    Returns:
        The row, with the `number` of the first proposal that was not made and the `reason`. None if no budget ended the
        search, or if a larger budget has continued it.
    """
    last = None
    for row in rows:
        last = row if row["kind"] == "cut" else None
    return last


def all_failed(first: Iterable[RunHistory | None], states: Iterable[RunState]) -> UserError:
    """The error for a search whose first configurations all failed, with the first failed run's reason."""
    failed = [h for h in first if h is not None and h.state not in (RunState.FINISHED, RunState.PRUNED)]
    ends = [state.value for state in states]
    reason = f"{failed[0].key.stem}: {failed[0].reason.strip()}" if failed else ""
    return UserError(
        f"the first {len(ends)} configurations of the search all failed ({', '.join(ends)}), so it stops; the first "
        f"was {reason}\nFix the cause and run the same command with --retry-failed. If the fix changes a value that "
        "all configurations share, give the sweep another name. To continue the search regardless, set "
        "failure.fail_fast to null"
    )
