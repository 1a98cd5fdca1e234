"""How far a sweep is: a bar with the time left in a terminal, lines elsewhere, and always a log file."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from results.records import RunKey
from sweeps.jobs import Job

LINE_SECONDS = 30.0
"""At least this long between two lines about running trials."""


class SweepProgress:
    """Counts epochs, the unit in which work is known in advance, over all phases of a sweep.

    A run that ends early takes its remaining epochs out of the total, which shrinks towards the truth. It is told of
    runs as a `sweeps.runner.Observer`.

    Args:
        console: where the bar or the lines go.
        log: the sweep's log file, appended to.
        max_epochs: of one run.
    """

    def __init__(self, console: Console, log: Path, *, max_epochs: int) -> None:
        self._console = console
        self._max_epochs = max_epochs
        self._running: dict[RunKey, int] = {}
        self._begun: set[RunKey] = set()
        self._ahead = 0
        self._done = 0
        self._logger = logging.Logger("causalmer.sweep")
        handler = logging.FileHandler(log, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._logger.addHandler(handler)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            TextColumn(
                "{task.completed:.0f} of at most {task.total:.0f} epochs, {task.fields[runs]} runs done"
            ),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("start", total=1, runs=0, left="")
        self._started: float | None = None
        self._last_line = 0.0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the bar for the block, and close the log after it."""
        try:
            with self._bar:
                yield
        finally:
            for handler in self._logger.handlers:
                handler.close()

    def say(self, text: str) -> None:
        """One line, to the terminal and to the log."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        self._logger.info(text)

    def phase(self, name: str, text: str, *, runs_ahead: int) -> None:
        """A phase begins; from here on at most so many runs are ahead, later phases counted in."""
        self._bar.update(self._task, description=name)
        self._ahead = runs_ahead
        self._update()
        self.say(f"{name}: {text}")

    def run_started(self, job: Job) -> None:
        """The runs of a job were given out."""
        for key in job.keys:
            self._running[key] = 0
            if key not in self._begun:  # else it is started again
                self._begun.add(key)
                self._ahead = max(self._ahead - 1, 0)
        if self._started is None:
            self._started = time.monotonic()

    def epoch_done(self, key: RunKey, epoch: int, score: float | None) -> None:
        """A run reported an epoch."""
        before = self._running.get(key, 0)
        self._running[key] = max(epoch, before)
        self._bar.advance(self._task, max(epoch - before, 0))
        self._update()
        if time.monotonic() - self._last_line >= LINE_SECONDS:
            self._line(f"run {key.stem}: epoch {epoch}, best score {_number(score)}")

    def run_done(self, key: RunKey, words: str) -> None:
        """A run will not go on; `words` say how it ended."""
        self._running.pop(key, None)
        self._done += 1
        self._update()
        self._line(f"run {key.stem}: {words}")

    def run_reused(self, job: Job, sweep_id: str) -> None:
        """The runs of a job were taken over from another sweep."""
        self._done += len(job.keys)
        self._ahead = max(self._ahead - len(job.keys), 0)
        self._update()
        for key in job.keys:
            self._line(f"run {key.stem}: taken over from {sweep_id}")

    def _update(self) -> None:
        total = self._epochs_done + self._epochs_ahead
        self._bar.update(self._task, total=total, runs=self._done, left=self._left())

    def _line(self, text: str) -> None:
        left = self._left() or "time left not known yet"
        line = f"[{self._done} runs done, at most {self._ahead + len(self._running)} to go, {left}] {text}"
        self._logger.info(line)
        if not self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._last_line = time.monotonic()

    def _left(self) -> str:
        """The time left at the mean pace so far, if no further run ends early."""
        if self._started is None or not self._epochs_done:
            return ""
        seconds = (time.monotonic() - self._started) / self._epochs_done * self._epochs_ahead
        return f"at most about {timedelta(seconds=round(seconds))} left"

    @property
    def _epochs_done(self) -> float:
        return self._bar.tasks[self._task].completed

    @property
    def _epochs_ahead(self) -> int:
        running = sum(self._max_epochs - epoch for epoch in self._running.values())
        return self._ahead * self._max_epochs + running


def _number(score: float | None) -> str:
    return "-" if score is None else f"{score:.4f}"
