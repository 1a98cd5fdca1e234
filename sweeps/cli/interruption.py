"""Ctrl-C in a command that only watches a job, which continues without the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells expect it."""


class StoppedWatchingError(Exception):
    """The user stopped watching. The message says that the job continues, and how to watch and stop it."""


@contextmanager
def watching(message: str) -> Iterator[None]:
    """Within the block Ctrl-C ends only the command, with a message.

    Raises:
        StoppedWatchingError: on Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt as interrupted:
        raise StoppedWatchingError(message) from interrupted
