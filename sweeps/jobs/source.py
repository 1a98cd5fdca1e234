"""Where jobs come from, and the plainest such place: a list of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum, auto
from typing import final

from results.records.histories import RunHistory
from results.records.schemas import RunKey
from sweeps.jobs.job import Job

ReadRun = Callable[[RunKey], RunHistory | None]
"""Looks a run up in the records."""

TakeOver = Callable[[Job], bool]
"""Takes a job's runs over from another sweep that has finished them; whether there was one."""


def nothing_to_take_over(_: Job) -> bool:
    """For a sweep that trains all of its runs itself."""
    return False


class NoJob(Enum):
    """Why there is no job: `LATER` until a running one is done, or `NEVER` again."""

    LATER = auto()
    NEVER = auto()


class JobSource(ABC):
    """Abstract: gives jobs one after another, and skips those whose records are final."""

    @abstractmethod
    def next_job(self) -> Job | NoJob:
        """The next job to do."""

    @abstractmethod
    def completed(self, job: Job) -> None:
        """A job that was given out has ended; the records of its runs say what came of it."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the records; jobs that were given out and have not ended are given out by the next source."""


@final
class JobList(JobSource):
    """Jobs known in advance."""

    def __init__(
        self, jobs: Iterable[Job], read_run: ReadRun, take_over: TakeOver = nothing_to_take_over
    ) -> None:
        self._waiting = deque(jobs)
        self._read_run = read_run
        self._take_over = take_over

    def next_job(self) -> Job | NoJob:
        """The next one of the list."""
        while self._waiting:
            job = self._waiting.popleft()
            if not has_ended(job, self._read_run) and not self._take_over(job):
                return job
        return NoJob.NEVER

    def completed(self, job: Job) -> None:
        """Nothing depends on it."""

    def close(self) -> None:
        """Nothing is held."""


def is_done(history: RunHistory | None) -> bool:
    """Whether a run has ended and is not to be started again."""
    return history is not None and history.state.is_final


def has_ended(job: Job, read_run: ReadRun) -> bool:
    """Whether all of a job's runs have."""
    return all(is_done(read_run(key)) for key in job.keys)
