"""Lock files that the system frees when the process that holds them ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import open_no_link


@contextmanager
def exclusive_lock(path: Path, *, wait: bool = True, busy: str = "") -> Iterator[None]:
    """Hold the lock file `path` (`flock`) within the block.

    Args:
        path: the lock file; it is created, holds the process id, and stays.
        wait: wait until another holder finishes (default), or raise at once.
        busy: what the error says, beside the holder's process id.

    Raises:
        UserError: `wait` is false and another process holds the lock, or `path` is a symbolic link.
    """
    # A link would let whoever can write to the folder have another file truncated.
    descriptor = open_no_link(path, os.O_RDWR)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            raise UserError(f"{busy or 'the file is in use'} (process {holder} holds {path})") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock file `path` exclusively."""
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
