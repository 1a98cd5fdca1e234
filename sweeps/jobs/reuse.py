"""Reuses runs that other sweeps of the same storage have finished, instead of training them again.

A run is a function of its configuration, which includes the data set's fingerprint, and of its seed. So another sweep's
rows equal the rows that this sweep's own training would write. They are copied epoch by epoch under this sweep's
thresholds: a run that would have been pruned here is pruned here, at the same epoch. A block of seeds is reused whole,
from one sweep, or not at all.

The seed plan stays valid. A seed is fresh with respect to the choices of *this* sweep's search, and these depend on
runs with its own search seeds only. So a confirmation may reuse any run with its seed, even a search run of another
sweep.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import written_aside
from results.evaluation.run_weights import weights_fault
from results.ranking.configuration_runs import objective_values
from results.records.histories import RunHistory, read_run
from results.records.layout import SweepLayout
from results.records.locate import sweeps_beside
from results.records.manifest import read_sweep_manifest
from results.records.objectives import Objectives
from results.records.run_journal import RunJournal
from results.records.schemas import RunState
from results.storage.object_uri import is_uri
from results.storage.store_error import StoreError
from sweeps.jobs.job import Job
from sweeps.jobs.run_lock import locked_run
from sweeps.search.early_stopping import lost_patience, mean_score, pruning_reason

_OF_THE_ATTEMPT = ("kind", "time", "attempt", "phase")
"""Keys of an epoch's row that describe the attempt that wrote it, not the training."""


class Reuse:
    """Reuses runs for one sweep.

    Args:
        layout: the sweep's folder, which lies beside the folders of the other sweeps.
        objectives: a run without all of their values on record is trained again.
        notify: called with every reused run.
        warn: called with a text for each run that is not reused, because its weights there cannot be used.
    """

    def __init__(
        self,
        layout: SweepLayout,
        *,
        objectives: Objectives,
        notify: Callable[[RunHistory], None],
        warn: Callable[[str], None],
    ) -> None:
        self._objectives = objectives
        self._layout = layout
        self._beside: list[SweepLayout] | None = None
        self._notify = notify
        self._warn = warn

    def __call__(self, job: Job) -> bool:
        """Write the job's runs to this sweep's records if one other sweep has finished all of them.

        Returns:
            Whether the job's runs were reused.

        Raises:
            UserError: another process trains one of the runs, or weights cannot be copied.
        """
        # The scheduler `patience` may end a run sooner than its configuration says, so such runs are not comparable.
        if job.patience is not None:
            return False
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
                if (reused := read_run(self._layout, key)) is not None:
                    self._notify(reused)
            return True
        return False

    def _others(self, job: Job) -> Iterator[SweepLayout]:
        """The sweeps beside this one in which the job's first run has begun."""
        # an object store is listed once only, because listing it is slow
        if self._beside is None or not is_uri(self._layout.place):
            self._beside = sweeps_beside(self._layout)
        for other in self._beside:
            if other.store.pull_grown(other.run_journal(job.key, 1)):
                yield other

    def _finished(self, other: SweepLayout, job: Job) -> list[_Finished] | None:
        """The job's runs in another sweep; None unless all have finished, with all objective values and own weights."""
        found = []
        for key in job.keys:
            # no lock is needed: a finished run's records do not change
            try:
                history = read_run(other, key)
            except DamagedFileError as error:
                self._warn(f"run {key.stem}: not reused: {error}")
                return None
            if history is None or history.state is not RunState.FINISHED or lost_patience(history.reason):
                return None
            if not history.has_epochs(len(history.epochs)):
                return None
            values = objective_values(history, self._objectives.measures)
            if len(values) < len(self._objectives.measures):
                return None
            if fault := _fault(other, history):
                self._warn(f"run {key.stem}: not reused from {other.place}, where it has {fault}")
                return None
            found.append(_Finished(history, other.best_weights(key)))
        return found

    def _copy(self, job: Job, finished: Sequence[_Finished], sweep_id: str) -> None:
        """Write each run as one attempt. The block is pruned at the epoch at which training here would prune it."""
        with ExitStack() as stack:
            journals = [stack.enter_context(self._begin(job, run.history, sweep_id)) for run in finished]
            active = list(zip(finished, journals, strict=True))
            for epoch in range(1, max(run.last for run in finished) + 1):
                for run, journal in active:
                    journal.epoch({**run.row(epoch), "phase": job.phase})
                for run, journal in active:
                    if run.last == epoch:
                        weights = self._layout.best_weights(run.history.key)
                        _link(run.weights, weights)
                        self._layout.store.push(weights)
                        journal.end(RunState.FINISHED, run.history.reason)
                active = [(run, journal) for run, journal in active if run.last > epoch]
                score = mean_score([run.history.curve[min(epoch, run.last)] for run in finished])
                reason = pruning_reason(
                    job.rung_thresholds, epoch, score, direction=self._objectives.direction, seeds=job.seeds
                )
                if reason:
                    for _, journal in active:
                        journal.end(RunState.PRUNED, reason)
                    return

    def _begin(self, job: Job, history: RunHistory, sweep_id: str) -> RunJournal:
        origin = history.reused_from or sweep_id
        note = f"reused from {origin}"
        notes = history.notes if note in history.notes else "; ".join(filter(None, [history.notes, note]))
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
    """A run that another sweep has finished, and the file of its weights."""

    history: RunHistory
    weights: Path

    @property
    def last(self) -> int:
        epoch: int = self.history.epochs[-1]["epoch"]
        return epoch

    def row(self, epoch: int) -> dict[str, Any]:
        found = next(row for row in self.history.epochs if row["epoch"] == epoch)
        return {name: value for name, value in found.items() if name not in _OF_THE_ATTEMPT}


def _fault(other: SweepLayout, history: RunHistory) -> str:
    """Why the weights in another sweep are not reused; empty: they can be."""
    try:
        return weights_fault(other, history)
    except StoreError:
        raise
    except UserError as error:  # unreadable, or of a newer version: training here needs neither
        return str(error)


def _link(source: Path, target: Path) -> None:
    """Link the weights, or copy them where the file system has no links. Weights are never changed in place."""
    try:
        with written_aside(target) as temporary:
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
    except OSError as error:
        raise UserError(f"cannot copy {source} to {target}: {error.strerror or error}") from error
