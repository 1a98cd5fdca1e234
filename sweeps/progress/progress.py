"""Showing a sweep while it runs: a live table in a terminal, lines elsewhere, and always a log file."""

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

from results.records.histories import RunHistory
from results.records.objectives import Objectives
from results.records.schemas import RunKey
from sweeps.jobs.job import Job
from sweeps.progress import status_text as words
from sweeps.progress.counters import SweepCounters
from sweeps.progress.live_table import live_table

LINE_SECONDS = 30.0
"""At least this long between two lines about running trials."""
REFRESHES_A_SECOND = 2


class SweepProgress:
    """Hears of runs as a `sweeps.jobs.observer.Observer`, and shows how far the sweep is.

    Args:
        console: where the table or the lines go.
        log: the sweep's log file, appended to.
        max_epochs: of one run.
        objectives: constraints, which go before it.
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
        self._lock = threading.Lock()  # the table is drawn by a thread of its own
        self._logger = logging.Logger("causalmer.sweep")
        handler = logging.FileHandler(log, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._logger.addHandler(handler)
        self._last_line = -math.inf
        self._evaluating = 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the table for the block, and close the log after it."""
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
            for handler in self._logger.handlers:
                handler.close()

    def notify(self, text: str) -> None:
        """One line, to the terminal and to the log."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._logger.info(text)

    def earlier(self, histories: Iterable[RunHistory]) -> None:
        """What is on record from earlier sessions."""
        with self._lock:
            self._counters.earlier(histories)

    def phase(self, name: str, text: str, *, runs: int) -> None:
        """A phase begins; it has at most so many runs, with all later phases, those on record counted in."""
        with self._lock:
            self._counters.phase(name, runs)
        self.notify(f"{name}: {text}")

    def evaluated(self, done: int, of: int) -> None:
        """So many runs have been evaluated on the test split, one after another."""
        now = time.monotonic()
        if done == 1:
            self._evaluating = now  # the first one's time is that of reading the data, too
        if done < of and now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            each = (now - self._evaluating) / max(done - 1, 1)
            left = "" if done == 1 else f", about {words.clock_time(each * (of - done))} left"
            self.notify(f"evaluate: {done} of {of} runs evaluated on the test split{left}")

    def run_started(self, job: Job) -> None:
        """The runs of a job were given out."""
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
        """An attempt at a run is over and the run is not."""
        with self._lock:
            self._counters.stopped(key, again=again)
        self._line(f"run {key.stem}: {why}")

    def run_reused(self, run: RunHistory) -> None:
        """A run was taken over from another sweep."""
        with self._lock:
            self._counters.reused(run)
        self._line(f"run {run.key.stem}: taken over from {run.reused_from}")

    def _table(self) -> RenderableType:
        with self._lock:
            return live_table(self._counters.standing())

    def _line(self, text: str) -> None:
        with self._lock:
            standing = self._counters.standing()
        best = "" if standing.leader is None else f"; best so far {standing.leader}"
        line = f"[{words.runs(standing)}; {words.left(standing)}{best}] {text}"
        self._logger.info(line)
        if not self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._last_line = time.monotonic()
