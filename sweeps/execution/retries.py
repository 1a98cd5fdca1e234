"""Runs that a fault of the machine ended, and when they are started again."""

from __future__ import annotations

import time
from collections.abc import Callable

from sweeps.jobs.job import Job

FIRST_WAIT_SECONDS = 1.0
WAIT_FACTOR = 4.0
LONGEST_WAIT_SECONDS = 60.0


def wait_seconds(failure: int) -> float:
    """How long to wait after the n-th failure in a row, counted from 1."""
    return min(FIRST_WAIT_SECONDS * WAIT_FACTOR ** (failure - 1), LONGEST_WAIT_SECONDS)


class Retries:
    """Counts, for every run, failures in a row without an epoch in between: a run that gets further is not at fault.

    Args:
        limit: how many retries in a row a run has.
        clock: seconds; for tests.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._failures: dict[str, tuple[int, int]] = {}
        self._waiting: list[tuple[float, Job]] = []

    def failed(self, job: Job, epochs: int) -> float | None:
        """An attempt failed with so many epochs on record: the seconds until the next, or none if there is none."""
        before, reached = self._failures.get(job.key.stem, (0, -1))
        failures = 1 if epochs > reached else before + 1
        self._failures[job.key.stem] = (failures, max(epochs, reached))
        if failures > self._limit:
            return None
        wait = wait_seconds(failures)
        self._waiting.append((self._clock() + wait, job))
        return wait

    def at_once(self, job: Job) -> None:
        """Start a run again without a wait and without counting a failure: what it lacked it is given now."""
        self._waiting.append((self._clock(), job))

    def due(self) -> Job | None:
        """A run whose wait is over, the longest due first; it is given out once."""
        if not self._waiting:
            return None
        soonest = min(self._waiting, key=lambda entry: entry[0])
        if soonest[0] > self._clock():
            return None
        self._waiting.remove(soonest)
        return soonest[1]

    @property
    def is_waiting(self) -> bool:
        """Whether a run waits to be started again."""
        return bool(self._waiting)
