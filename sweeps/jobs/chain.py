"""The jobs of several phases as those of one source, so that the processes that train live on from phase to phase.

A process that trains takes seconds to start, which would be most of a small sweep's time if each phase started its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from sweeps.jobs.job import Job
from sweeps.jobs.source import JobSource, NoJob

Phase = Callable[[], Callable[[], JobSource]]
"""Prepares a phase from the records of those before it, and gives what makes its source, as often as it is asked to."""


@final
class PhaseChain(JobSource):
    """The sources of phases one after another: a phase begins when every job of the one before has ended.

    Args:
        phases: each is prepared when the one before is over, so it sees all records of that. One that was interrupted
            in its preparation is prepared again, so that must bear repetition.
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._phases = phases
        self._prepared = 0
        self._make: Callable[[], JobSource] | None = None
        self._source: JobSource | None = None
        self._running = 0

    def next_job(self) -> Job | NoJob:
        """The next job of the phase that is on, or the first of the next that has any."""
        while (source := self._current()) is not None:
            job = source.next_job()
            if isinstance(job, Job):
                self._running += 1
            if job is not NoJob.NEVER:
                return job
            if self._running:
                return NoJob.LATER
            self.close()
            self._make = None
        return NoJob.NEVER

    def completed(self, job: Job) -> None:
        """Tell the phase that is on."""
        if self._source is None:
            raise RuntimeError("a job of no phase has ended")
        self._running -= 1
        self._source.completed(job)

    def close(self) -> None:
        """Let go of the records; asked again, the chain goes on in the same phase by what is on record then."""
        if self._source is not None:
            self._source.close()
        self._source, self._running = None, 0

    def _current(self) -> JobSource | None:
        if self._make is None and self._prepared < len(self._phases):
            self._make = self._phases[self._prepared]()
            self._prepared += 1
        if self._source is None and self._make is not None:
            self._source = self._make()
        return self._source
