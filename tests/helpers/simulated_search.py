"""A search whose runs take no time, for tests of what it proposes and when it ends."""

from __future__ import annotations

import math
import random
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from objectives_by_hand import HIGHER
from tiny_sweep import YAML, begin, checked_sweep, record_run

from results.records.histories import read_run
from results.records.layout import SweepLayout
from results.records.schemas import RunKey, RunState
from results.storage.journal import read_journal
from sweeps.jobs.job import Job
from sweeps.jobs.search import SearchJobs
from sweeps.jobs.source import NoJob
from sweeps.search.early_stopping import misses_threshold
from sweeps.search.optuna_file import StudyFile
from sweeps.setup.preflight import CheckedSweep


@dataclass
class Simulated:
    """A sweep whose runs take no time: each is recorded when the test says that it ends.

    The score of a configuration follows from its digest; a run that misses a threshold ends there as pruned, and one
    in eight becomes NaN.
    """

    sweep: CheckedSweep
    layout: SweepLayout
    source: SearchJobs = field(init=False)
    running: dict[RunKey, Job] = field(default_factory=dict)
    given: list[Job] = field(default_factory=list)
    watch: bool = False
    said: list[str] = field(default_factory=list)
    """What Optuna's view complains of."""

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """A new driver, which knows the records alone."""
        self.running.clear()
        self.source = SearchJobs(
            self.sweep.spec,
            self.sweep.configurations,
            self.layout,
            objectives=HIGHER,
            read_run=lambda key: read_run(self.layout, key),
            watcher=StudyFile(self.layout, self.sweep.configurations, self.said.append)
            if self.watch
            else None,
        )

    def kill(self) -> None:
        """The driver is gone, with everything it knew; running runs wrote no end."""
        for job in self.running.values():
            record_run(self.layout, job, scores(job.key)[:1], state=None)
        self.source._journal.close()  # as the system does for a process that is killed

    def take(self) -> Job | NoJob:
        """Ask for a job, and start it."""
        job = self.source.next_job()
        if isinstance(job, Job):
            self.running[job.key] = job
            self.given.append(job)
        return job

    def end(self, key: RunKey, state: RunState | None = None) -> None:
        """A running job ends, as its digest says or in a state that is given."""
        job = self.running.pop(key)
        if state is not None:
            record_run(self.layout, job, scores(key)[:1], state)
            self.source.completed(job)
            return
        reached: list[float] = []
        state = RunState.NAN if zlib.crc32(job.name.encode()) % 8 == 0 else RunState.FINISHED
        for epoch, score in enumerate(scores(key), start=1):
            reached.append(score)
            if epoch in job.rung_thresholds and misses_threshold(
                score, job.rung_thresholds[epoch], direction="max"
            ):
                state = RunState.PRUNED
                break
        record_run(self.layout, job, reached, state)
        self.source.completed(job)

    def run(self, workers: int, order: random.Random, *, until: int | None = None) -> None:
        """Keep `workers` runs going, and let them end in an order of its own, to the end or for so many ends."""
        ended, job = 0, None
        while until is None or ended < until:
            while len(self.running) < workers and job is not NoJob.NEVER:
                job = self.take()
                if job is NoJob.LATER:
                    assert self.running, "waits for a run, and none is running"
                    break
            if not self.running:
                return
            self.end(order.choice(sorted(self.running)))
            ended += 1

    @property
    def proposals(self) -> list[dict[str, Any]]:
        rows = read_journal(self.layout.proposals)
        return [row["values"] for row in rows if row["kind"] == "proposal"]

    def best_of(self, job: Job) -> float:
        """A finished run's score; the worst there is for others."""
        history = read_run(self.layout, job.key)
        finished = history is not None and history.state is RunState.FINISHED
        return history.score or -math.inf if history is not None and finished else -math.inf


def scores(key: RunKey) -> list[float]:
    """Best scores so far at epochs 1 to 3."""
    last = zlib.crc32(key.config_id.encode()) % 1000 / 1000
    return [last / 2, last / 1.5, last]


def simulated(
    folder: Path, text: str = YAML, *, go_on: bool = False, watch: bool = False, **overrides: Any
) -> Simulated:
    """A sweep that begins in a folder, or goes on with the records there; with `watch` it keeps Optuna's view."""
    folder.mkdir(exist_ok=True)
    sweep = checked_sweep(
        folder, text, **{"search__num_configs": 10, "search__max_concurrent": 3, **overrides}
    )
    return Simulated(sweep, sweep.layout if go_on else begin(sweep), watch=watch)
