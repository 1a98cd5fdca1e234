"""Who is told how the runs of a sweep go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from results.records.histories import RunHistory
from results.records.schemas import RunKey
from sweeps.jobs.job import Job
from sweeps.space.parameters import Value


class Observer(Protocol):
    """Who is told how the runs go."""

    def notify(self, text: str) -> None:
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


# FOLDED Who is told how the search goes.
class SearchWatcher(Protocol):
    """Is told of proposals and of what came of them; a search that goes on tells of those on record again."""

    def proposed(self, number: int, config_id: str, values: Mapping[str, Value]) -> None:
        """A proposal was made, or taken from the records."""
        ...

    def ended(self, config_id: str, runs: Sequence[RunHistory | None]) -> None:
        """A configuration's search is over; `runs` are those on the search seeds, none where one was not begun."""
        ...
