"""Shows a running sweep: a live table in a terminal, lines elsewhere, and always a log file."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console, RenderableType
from rich.live import Live

from causalmer_core.basics.files import open_log
from results.records.histories import RunHistory
from results.records.objectives import Objectives
from results.records.schemas import RunKey
from sweeps.jobs.job import Job
from sweeps.progress import status_text as words
from sweeps.progress.counters import SweepCounters
from sweeps.progress.live_table import live_table

LINE_SECONDS = 30.0
"""The least time between two lines about running runs."""
REFRESHES_A_SECOND = 2


class SweepProgress:
    """Shows how far a sweep is; a `sweeps.jobs.observer.Observer` of its runs.

    Args:
        console: shows the table or the lines.
        log: the sweep's log file, to which lines are appended.
        max_epochs: the most epochs of one run.
        objectives: the monitored metric with its direction, and constraints, for the leader.
    """

    def __init__(
        self,
        console: Console,
        log: Path,
        *,
        max_epochs: int,
        objectives: Objectives,
    ) -> None:
        self._console = console
        self._counters = SweepCounters(max_epochs=max_epochs, objectives=objectives)
        self._lock = threading.Lock()  # another thread draws the table
        self._logger = logging.Logger("causalmer.sweep")
        self._log = open_log(log)
        handler = logging.StreamHandler(self._log)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._logger.addHandler(handler)
        self._last_line = -math.inf
        self._evaluating = 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the table within the block, and close the log after it."""
        live = Live(
            get_renderable=self._table,
            console=self._console,
            refresh_per_second=REFRESHES_A_SECOND,
            transient=True,
        )
        try:
            with live if self._console.is_terminal else nullcontext():
                yield
        finally:
            self._log.close()

    def notify(self, text: str) -> None:
        """Write a line to the terminal and to the log."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._logger.info(text)

    def earlier(self, histories: Iterable[RunHistory]) -> None:
        """Count the runs of earlier sessions, from the records."""
        with self._lock:
            self._counters.earlier(histories)

    def phase(self, name: str, text: str, *, runs: int) -> None:
        """A phase begins.

        Args:
            name: the phase.
            text: what it does, for the user.
            runs: the largest number of runs of this phase and all later ones together, including those on record.
        """
        with self._lock:
            self._counters.phase(name, runs)
        self.notify(f"{name}: {text}")

    def evaluated(self, done: int, of: int) -> None:
        """`done` of `of` runs have been evaluated on the test split, one after another."""
        now = time.monotonic()
        if done == 1:
            # the pace excludes the first run, because reading the data takes time
            self._evaluating = now
        if done < of and now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            each = (now - self._evaluating) / max(done - 1, 1)
            left = "" if done == 1 else f", about {words.clock_time(each * (of - done))} left"
            self.notify(f"evaluate: {done} of {of} runs evaluated on the test split{left}")

    def run_started(self, job: Job) -> None:
        """The runs of a job have a process and begin."""
        with self._lock:
            self._counters.started(job)

    def epoch_done(self, key: RunKey, epoch: int, score: float | None) -> None:
        """A run reported an epoch."""
        with self._lock:
            self._counters.epoch_done(key, epoch, score)
        if time.monotonic() - self._last_line >= LINE_SECONDS:
            self._line(f"run {key.stem}: epoch {epoch}, best score {words.score(score)}")

    def run_ended(self, run: RunHistory) -> None:
        """A run has ended."""
        with self._lock:
            self._counters.ended(run)
        score = "" if run.score is None else f", best score {run.score:.4f}"
        self._line(f"run {run.key.stem}: {run.state.value}{score}")

    def run_stopped(self, key: RunKey, why: str, *, again: bool) -> None:
        """An attempt has ended and its run has not."""
        with self._lock:
            self._counters.stopped(key, again=again)
        self._line(f"run {key.stem}: {why}")

    def run_reused(self, run: RunHistory) -> None:
        """A run was reused from another sweep."""
        with self._lock:
            self._counters.reused(run)
        self._line(f"run {run.key.stem}: reused from {run.reused_from}")

    def run_reopened(self, run: RunHistory, why: str) -> None:
        """A run that had ended is trained again."""
        with self._lock:
            self._counters.reopened(run)
        self.notify(f"run {run.key.stem}: {why}")

    def _table(self) -> RenderableType:
        with self._lock:
            return live_table(self._counters.status())

    def _line(self, text: str) -> None:
        with self._lock:
            status = self._counters.status()
        best = "" if status.leader is None else f"; best so far {status.leader}"
        line = f"[{words.runs(status)}; {words.time_left(status)}{best}] {text}"
        self._logger.info(line)
        if not self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._last_line = time.monotonic()
