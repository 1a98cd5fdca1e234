"""Taking runs over that other sweeps of the same storage have finished, instead of training them again.

A run is a function of its configuration, which the data set's fingerprint is part of, and of its seed: whatever a sweep
wanted it for, the rows are those that this sweep's own training would write. So they are told to this sweep one after
another as if it trained, bars and all: what would have been pruned here is pruned here, at the same epoch. A block of
seeds is taken over whole, from one sweep, or not at all.

The seed plan stays honest. A seed is fresh with respect to the choices that *this* sweep's search makes, and these are
made from runs with its own search seeds alone; so a confirmation may take over any run with its seed, also one that was
the search of another sweep.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import written_aside
from results.ranking.configuration_runs import objective_values
from results.records.histories import RunHistory, read_run
from results.records.layout import SweepLayout
from results.records.locate import sweeps_beside
from results.records.manifest import read_sweep_manifest
from results.records.objectives import Objectives
from results.records.run_journal import RunJournal
from results.records.schemas import RunState
from results.storage.object_uri import is_uri
from sweeps.jobs.job import Job
from sweeps.jobs.run_lock import locked_run
from sweeps.search.early_stopping import lost_patience, mean_score, pruning_reason

_OF_THE_JOURNAL = ("kind", "time", "attempt", "phase")
"""What a row says of the attempt that wrote it, not of the training."""


class Reuse:
    """Takes runs over for one sweep.

    Args:
        layout: the sweep's folder; other sweeps are looked for beside it.
        notify: hears of every run that was taken over.
        objectives: a run on whose record one of their values is missing is trained again.
    """

    def __init__(
        self,
        layout: SweepLayout,
        *,
        objectives: Objectives,
        notify: Callable[[RunHistory], None],
    ) -> None:
        self._objectives = objectives
        self._layout = layout
        self._beside: list[SweepLayout] | None = None
        self._notify = notify

    def __call__(self, job: Job) -> bool:
        """Write the job's runs to this sweep's records if one other sweep has finished all of them; whether it has.

        A run that the scheduler `patience` ended is not finished as its configuration alone would have it.
        """
        if job.patience is not None:
            return False  # it may end sooner than its configuration says
        for other in self._others(job):
            finished = self._finished(other, job)
            if finished is None:
                continue
            origin = read_sweep_manifest(other).sweep_id
            with ExitStack() as locks:
                for key in job.keys:
                    locks.enter_context(locked_run(self._layout, key))
                self._copy(job, finished, origin)
                for key in job.keys:
                    self._layout.store.remove(self._layout.last_checkpoint(key))
            for key in job.keys:
                if (taken := read_run(self._layout, key)) is not None:
                    self._notify(taken)
            return True
        return False

    def _others(self, job: Job) -> Iterator[SweepLayout]:
        """The sweeps beside this one in which the job's first run was begun."""
        if self._beside is None or not is_uri(self._layout.place):  # an object store is looked through once
            self._beside = sweeps_beside(self._layout)
        for other in self._beside:
            if other.store.pull_grown(other.run_journal(job.key, 1)):
                yield other

    def _finished(self, other: SweepLayout, job: Job) -> list[_Finished] | None:
        """The job's runs there; none unless it has finished all, measured what is wanted, and kept their weights."""
        found = []
        for key in job.keys:
            # a finished run has its last line, so nobody writes it any more
            history, weights = read_run(other, key), other.best_weights(key)
            if history is None or history.state is not RunState.FINISHED or lost_patience(history.reason):
                return None
            if not other.store.pull(weights) or len(
                objective_values(history, self._objectives.measures)
            ) < len(self._objectives.measures):
                return None
            found.append(_Finished(history, weights))
        return found

    def _copy(self, job: Job, finished: Sequence[_Finished], sweep_id: str) -> None:
        """Write each run as one attempt, acknowledged like any other; the block ends where this sweep would have ended
        it.
        """
        with ExitStack() as stack:
            journals = [stack.enter_context(self._begin(job, run.history, sweep_id)) for run in finished]
            going = list(zip(finished, journals, strict=True))
            for epoch in range(1, max(run.last for run in finished) + 1):
                for run, journal in going:
                    journal.epoch({**run.row(epoch), "phase": job.phase})
                for run, journal in going:
                    if run.last == epoch:
                        weights = self._layout.best_weights(run.history.key)
                        _link(run.weights, weights)
                        self._layout.store.push(weights)
                        journal.end(RunState.FINISHED, run.history.reason)
                going = [(run, journal) for run, journal in going if run.last > epoch]
                score = mean_score([run.history.curve[min(epoch, run.last)] for run in finished])
                reason = pruning_reason(
                    job.rung_thresholds, epoch, score, direction=self._objectives.direction, seeds=job.seeds
                )
                for _, journal in going if reason else ():
                    journal.end(RunState.PRUNED, reason)
                if reason:
                    return

    def _begin(self, job: Job, history: RunHistory, sweep_id: str) -> RunJournal:
        origin = history.reused_from or sweep_id
        said = f"reused from {origin}"
        notes = history.notes if said in history.notes else "; ".join(filter(None, [history.notes, said]))
        return job.begin(
            self._layout,
            history.key,
            parameters=history.parameters,
            notes=notes,
            device=history.device,
            host=history.host,
            reused_from=origin,
            software=history.software,
        )


@dataclass(frozen=True, slots=True)
class _Finished:
    """A run that another sweep has finished, and its weights there."""

    history: RunHistory
    weights: Path

    @property
    def last(self) -> int:
        epoch: int = self.history.epochs[-1]["epoch"]
        return epoch

    def row(self, epoch: int) -> dict[str, Any]:
        return _measured(next(row for row in self.history.epochs if row["epoch"] == epoch))


def _measured(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _OF_THE_JOURNAL}


def _link(source: Path, target: Path) -> None:
    """A second name for the weights, or a copy where the file system gives none; they are never changed in place."""
    try:
        with written_aside(target) as temporary:
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
    except OSError as error:
        raise UserError(f"cannot take {source} over to {target}: {error.strerror or error}") from error
