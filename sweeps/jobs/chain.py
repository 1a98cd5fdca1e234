"""One job source for several phases, so that training processes are reused from phase to phase.

A training process takes seconds to start. If each phase started its own, that would be most of a small sweep's time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from sweeps.jobs.job import Job
from sweeps.jobs.source import JobSource, NoJob

Phase = Callable[[], Callable[[], JobSource]]
"""Prepares a phase from the records of earlier phases. Returns a function that makes the phase's source, repeatedly."""


@final
class PhaseChain(JobSource):
    """The sources of phases one after another: a phase begins when every job of the previous phase has ended.

    Args:
        phases: each is called when the previous phase has ended, so it reads all records of that phase. After an
            interruption in a call the phase is prepared again, so the call must be repeatable.
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._phases = phases
        self._prepared = 0
        self._make: Callable[[], JobSource] | None = None
        self._source: JobSource | None = None
        self._running = 0

    def next_job(self) -> Job | NoJob:
        """The next job of the current phase, or the first job of the next phase that has any."""
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
        """Pass the ended job to the source of the current phase.

        Raises:
            RuntimeError: no phase has given out a job.
        """
        if self._source is None:
            raise RuntimeError("a job ended before any phase gave one out")
        self._running -= 1
        self._source.completed(job)

    def close(self) -> None:
        """Close the current phase's source. The next `next_job` makes it anew from the records."""
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
