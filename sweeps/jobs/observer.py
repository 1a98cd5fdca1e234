"""The events of a sweep: protocols of objects that are notified of runs and of proposals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from results.records.histories import RunHistory
from results.records.schemas import RunKey
from sweeps.jobs.job import Job
from sweeps.space.parameters import Value


class Observer(Protocol):
    """Is notified of a sweep's runs."""

    def notify(self, text: str) -> None:
        """A message for the user."""
        ...

    def run_started(self, job: Job) -> None:
        """The runs of a job have a process and begin."""
        ...

    def epoch_done(self, key: RunKey, epoch: int, score: float | None) -> None:
        """A run reported an epoch."""
        ...

    def run_ended(self, run: RunHistory) -> None:
        """A run has ended; `run` is its record."""
        ...

    def run_stopped(self, key: RunKey, why: str, *, again: bool) -> None:
        """An attempt has ended and its run has not. `again`: this session starts another attempt."""
        ...


class SearchWatcher(Protocol):
    """Is notified of proposals and their outcomes. A resumed search repeats those on record."""

    def proposed(self, number: int, config_id: str, values: Mapping[str, Value]) -> None:
        """A proposal was made, or read from the records."""
        ...

    def ended(self, config_id: str, runs: Sequence[RunHistory | None]) -> None:
        """A configuration's search has ended; `runs` has one entry a search seed, None for a run that never began."""
        ...
