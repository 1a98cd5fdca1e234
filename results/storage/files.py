"""Writing files so that a reader never meets half of one, and locks that end with the process that holds
them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from causalmer_core.basics.errors import UserError


def fsync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: a file that is on disk but in no folder is lost by a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def aside_name(path: Path) -> Path:
    """The hidden name under which a file is written before it is published.

    It starts with a dot and ends in `.tmp`, so that pyarrow, pandas, DuckDB and polars all pass over it, and
    carries the process id, so that two writers never share it.
    """
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Within the block write to the path given; after it the file stands whole at `path`, replacing the old
    one.

    On an error nothing is published and the half-written file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = aside_name(path)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Publish `text` in UTF-8 at `path`, whole or not at all."""
    with written_aside(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_stale_asides(folder: Path) -> None:
    """Remove what killed writers left in `folder`; to be called by whoever holds the lock on writing
    there.
    """
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


@contextmanager
def exclusive_lock(path: Path, *, wait: bool = True, busy: str = "") -> Iterator[None]:
    """Hold the lock file `path` (`flock`) within the block; the system frees it when the process ends,
    however.

    Args:
        path: the lock file; it is created, holds the process id, and stays.
        wait: wait for another holder to finish (default), or refuse at once.
        busy: what the refusal says, beside the holder's process id.

    Raises:
        UserError: `wait` is false and another process holds the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
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


def now() -> str:
    """The time in UTC, ISO 8601 with microseconds: the form of every `time` in a journal."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
