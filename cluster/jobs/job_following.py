"""Waiting for the end of a job over a connection that may be lost and made again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from cluster.jobs.job_server import JobServer, JobState, LostConnectionError

_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
"""A server without an answer is asked again for this many seconds."""


def follow(server: JobServer, job: str, notify: Callable[[str], None]) -> JobState:
    """Wait for a job's end, and pass on all that it writes.

    Args:
        server: the job server of its cluster.
        job: its name.
        notify: called with each piece of text as it arrives.

    Raises:
        UserError: there is no such job, or the server does not answer any more.
    """
    text = _Once(notify)
    while not (state := _patient_state(server, job)).is_final:
        asyncio.run(_tell(server, job, text))
        time.sleep(_POLL_SECONDS)
    text.begin()
    text.add(server.logs(job))  # the rest of the text, if the connection was lost before
    return state


def wait_for_end(server: JobServer, job: str) -> JobState:
    """Wait for a job's end.

    Raises:
        UserError: there is no such job, or the server does not answer any more.
    """
    while not (state := _patient_state(server, job)).is_final:
        time.sleep(_POLL_SECONDS)
    return state


async def _tell(server: JobServer, job: str, text: _Once) -> None:
    text.begin()
    try:
        async for chunk in server.tail(job):
            text.add(chunk)
    except LostConnectionError:
        pass  # the state is asked next: without an answer to that the server is gone


def _patient_state(server: JobServer, job: str) -> JobState:
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return server.state(job)
        except LostConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(_POLL_SECONDS)


class _Once:
    """Passes on every part of a text once, although the text may start again from its beginning."""

    def __init__(self, notify: Callable[[str], None]) -> None:
        self._notify = notify
        self._known = 0
        self._position = 0

    def begin(self) -> None:
        """The text starts from its beginning."""
        self._position = 0

    def add(self, chunk: str) -> None:
        """Take the next part of the text."""
        if fresh := chunk[max(self._known - self._position, 0) :]:
            self._notify(fresh)
        self._position += len(chunk)
        self._known = max(self._known, self._position)
