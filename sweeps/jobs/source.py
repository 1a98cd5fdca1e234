"""The interface of job sources, and the simplest source: a list of jobs."""

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
"""Reads a run from the records."""

ReuseRuns = Callable[[Job], bool]
"""Reuses a job's runs from another sweep that has finished them. Returns whether there was such a sweep."""


def reuse_nothing(_: Job) -> bool:
    """Reuse no run: the sweep trains all of its runs itself."""
    return False


class NoJob(Enum):
    """Why there is no job: none before a running job has ended (`LATER`), or no further one at all (`NEVER`)."""

    LATER = auto()
    NEVER = auto()


class JobSource(ABC):
    """Abstract: gives out jobs one after another, and skips jobs whose runs have ended."""

    @abstractmethod
    def next_job(self) -> Job | NoJob:
        """The next job, or why there is none."""

    @abstractmethod
    def completed(self, job: Job) -> None:
        """A job that was given out has ended; its outcome is in the records of its runs."""

    @abstractmethod
    def close(self) -> None:
        """Close the files. The next source gives out again the jobs that were given out and have not ended."""


@final
class JobList(JobSource):
    """Jobs that are known in advance."""

    def __init__(self, jobs: Iterable[Job], read_run: ReadRun, reuse_runs: ReuseRuns = reuse_nothing) -> None:
        self._waiting = deque(jobs)
        self._read_run = read_run
        self._reuse_runs = reuse_runs

    def next_job(self) -> Job | NoJob:
        """The next job of the list that has not ended."""
        while self._waiting:
            job = self._waiting.popleft()
            if not has_ended(job, self._read_run) and not self._reuse_runs(job):
                return job
        return NoJob.NEVER

    def completed(self, job: Job) -> None:
        """Do nothing: no later job depends on an outcome."""

    def close(self) -> None:
        """Do nothing: no file is open."""


def is_done(history: RunHistory | None) -> bool:
    """Whether a run is in a final state, so that it is never started again."""
    return history is not None and history.state.is_final


def has_ended(job: Job, read_run: ReadRun) -> bool:
    """Whether all runs of a job are in a final state."""
    return all(is_done(read_run(key)) for key in job.keys)
