"""Retries of jobs after faults of the machine, with a growing wait."""

from __future__ import annotations

import time
from collections.abc import Callable

from sweeps.jobs.job import Job

FIRST_WAIT_SECONDS = 1.0
WAIT_FACTOR = 4.0
"""Each further wait is so many times the one before."""
LONGEST_WAIT_SECONDS = 60.0


def wait_seconds(failure: int) -> float:
    """The wait after the n-th failure in a row: min(1 s * 4^(n - 1), 60 s), with n = `failure` counted from 1."""
    return min(FIRST_WAIT_SECONDS * WAIT_FACTOR ** (failure - 1), LONGEST_WAIT_SECONDS)


class Retries:
    """Counts each job's failures in a row without an epoch in between. A job that got further starts anew at 1.

    Args:
        limit: the largest number of retries in a row.
        clock: the time in seconds; for tests.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._failures: dict[str, tuple[int, int]] = {}
        self._waiting: list[tuple[float, Job]] = []

    def failed(self, job: Job, epochs: int) -> float | None:
        """Plan the next attempt after a failed one.

        Args:
            job: the job that failed.
            epochs: how many epochs its runs have on record, together.

        Returns:
            The wait in seconds; None if the job has no retry left.
        """
        before, reached = self._failures.get(job.key.stem, (0, -1))
        failures = 1 if epochs > reached else before + 1
        self._failures[job.key.stem] = (failures, max(epochs, reached))
        if failures > self._limit:
            return None
        wait = wait_seconds(failures)
        self._waiting.append((self._clock() + wait, job))
        return wait

    def at_once(self, job: Job) -> None:
        """Restart a job without a wait and without counting a failure, since its share has grown."""
        self._waiting.append((self._clock(), job))

    def due(self) -> Job | None:
        """A job whose wait has ended, the one due first; each is given out once. None: there is none."""
        if not self._waiting:
            return None
        soonest = min(self._waiting, key=lambda entry: entry[0])
        if soonest[0] > self._clock():
            return None
        self._waiting.remove(soonest)
        return soonest[1]

    @property
    def is_waiting(self) -> bool:
        """Whether a job waits for its next attempt."""
        return bool(self._waiting)
