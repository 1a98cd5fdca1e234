"""Taking runs over that other sweeps of the same storage have finished, instead of training them again.

A run is a function of its configuration, which the data set's fingerprint is part of, and of its seed: whatever a sweep
wanted it for, the rows are those that this sweep's own training would write. So they are told to this sweep one after
another as if it trained, bars and all: what would have been pruned here is pruned here, at the same epoch.

The seed plan stays honest. A seed is fresh with respect to the choices that *this* sweep's search makes, and these are
made from runs with its own search seeds alone; so a confirmation may take over any run with its seed, also one that was
the search of another sweep.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from causalmer_core.errors import UserError
from results.files import written_aside
from results.histories import RunHistory, read_run
from results.layout import SweepLayout
from results.manifest import read_manifest
from results.records import RunState
from sweeps.jobs import Job
from sweeps.run_lock import locked_run
from sweeps.scheduling import lost_patience, missed_bar

_OF_THE_JOURNAL = ("kind", "time", "attempt", "phase")
"""What a row says of the attempt that wrote it, not of the training."""


class Reuse:
    """Takes runs over for one sweep.

    Args:
        layout: the sweep's folder; other sweeps are looked for beside it.
        higher_is_better: of the monitored metric.
        told: hears of every run that was taken over, with the sweep_id of the sweep that trained it.
    """

    def __init__(
        self, layout: SweepLayout, *, higher_is_better: bool, told: Callable[[Job, str], None]
    ) -> None:
        self._layout = layout
        self._higher = higher_is_better
        self._told = told

    def __call__(self, job: Job) -> RunHistory | None:
        """The run as it then stands in this sweep's records; none where no other sweep has finished it.

        A run that the scheduler `patience` ended is not finished as its configuration alone would have it.
        """
        if job.patience is not None:
            return None  # it may end sooner than its configuration says
        for other in self._others(job):
            history = read_run(other, job.key)
            # a finished run has its last line, so nobody writes it any more
            if history is None or history.state is not RunState.FINISHED or lost_patience(history.reason):
                continue
            weights = other.best_weights(job.key)
            if not weights.exists():
                continue
            origin = history.reused_from or read_manifest(other).sweep_id
            with locked_run(self._layout, job.key):
                self._copy(job, history, weights, origin)
                self._layout.last_checkpoint(job.key).unlink(missing_ok=True)
            self._told(job, origin)
            return read_run(self._layout, job.key)
        return None

    def _others(self, job: Job) -> Iterator[SweepLayout]:
        """The sweeps beside this one in which the run was begun."""
        for folder in sorted(self._layout.root.parent.iterdir()):
            other = SweepLayout(folder)
            if folder != self._layout.root and other.run_journal(job.key, 1).exists():
                yield other

    def _copy(self, job: Job, history: RunHistory, weights: Path, origin: str) -> None:
        """Write the run as one attempt, acknowledged like any other; it ends where this sweep would have ended it."""
        said = f"reused from {origin}"
        notes = history.notes if said in history.notes else "; ".join(filter(None, [history.notes, said]))
        journal = job.begin(
            self._layout,
            parameters=history.parameters,
            notes=notes,
            device=history.device,
            host=history.host,
            reused_from=origin,
        )
        with journal:
            last = history.epochs[-1]["epoch"]
            for row in history.epochs:
                journal.epoch({**_measured(row), "phase": job.phase})
                reason = missed_bar(
                    job.bars, row["epoch"], history.curve[row["epoch"]], higher_is_better=self._higher
                )
                if reason and row["epoch"] < last:
                    journal.end(RunState.PRUNED, reason)
                    return
            _link(weights, self._layout.best_weights(job.key))
            journal.end(RunState.FINISHED, history.reason)


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
