"""Who is told how the runs of a sweep go."""

from __future__ import annotations

from typing import Protocol

from results.histories import RunHistory
from results.records import RunKey
from sweeps.jobs import Job


class Observer(Protocol):
    """Who is told how the runs go."""

    def say(self, text: str) -> None:
        """Something that a user should read."""
        ...

    def run_started(self, job: Job) -> None:
        """The runs of a job have a process and begin."""
        ...

    def epoch_done(self, key: RunKey, epoch: int, score: float | None) -> None:
        """A run reported an epoch."""
        ...

    def run_ended(self, run: RunHistory) -> None:
        """A run has ended."""
        ...

    def run_stopped(self, key: RunKey, why: str, *, again: bool) -> None:
        """An attempt at a run is over and the run is not; whether there is another in this session."""
        ...
