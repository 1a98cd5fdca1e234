"""Ctrl-C where a command only watches what goes on without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells expect it."""


class LeftError(Exception):
    """The user has left. The message says what goes on, how to come back, and how to end it."""


@contextmanager
def leaving(words: str) -> Iterator[None]:
    """Within the block Ctrl-C ends the command with these words, and nothing else."""
    try:
        yield
    except KeyboardInterrupt as interrupted:
        raise LeftError(words) from interrupted
