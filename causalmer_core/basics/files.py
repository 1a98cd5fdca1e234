"""Files written whole: a reader meets the old file or the new one, never half of one.

A file is written under a hidden name beside its target, `.NAME.PID.tmp`. Its bytes are synced to disk, then it is
renamed to its target, then the folder is synced. A process killed at any moment leaves the old file or the new one,
and at most a hidden file that `remove_stale_asides` removes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from causalmer_core.basics.errors import UserError


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield the hidden name to write to; when the block ends, that file replaces `path`.

    If the block fails, `path` is unchanged and the hidden file is removed.

    Args:
        path: the target. Its folder is made if need be.

    Raises:
        OSError: writing, syncing or renaming failed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The dot and `.tmp` make pyarrow, pandas, DuckDB and polars skip the file.
    # The process id keeps two processes from writing to one file.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    # A killed process with the same id may have left a file there, and a stranger a link to a file elsewhere.
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        _fsync(temporary, os.O_NOFOLLOW)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    # Without this a power cut may undo the renaming, although the file's bytes are on disk.
    fsync_folder(path.parent)


def open_no_link(path: Path, flags: int) -> int:
    """Open a file, which is made if need be, and give its descriptor. A symbolic link is not followed.

    Args:
        path: the file.
        flags: those of `os.open` for the use of the file, such as `os.O_RDWR`.

    Raises:
        UserError: `path` is a symbolic link.
        OSError: the file cannot be opened.
    """
    try:
        return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UserError(f"{path} is a symbolic link; allowed a file, so remove the link") from error
        raise


def open_log(path: Path) -> TextIO:
    """Open a log file to append to, in UTF-8.

    Raises:
        UserError, OSError: as `open_no_link`.
    """
    return os.fdopen(open_no_link(path, os.O_WRONLY | os.O_APPEND), "a", encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all.

    Raises:
        OSError: as `written_aside`.
    """
    # Mode x (O_EXCL) follows no link: a name that appeared meanwhile is an error, never written through.
    with written_aside(path) as temporary, temporary.open("xb") as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` in UTF-8, whole or not at all.

    Raises:
        OSError: as `written_aside`.
    """
    write_bytes(path, text.encode())


def fsync_folder(folder: Path) -> None:
    """Sync the names in `folder` to disk: a file whose name is not on disk is lost by a power cut."""
    _fsync(folder, os.O_DIRECTORY)


def remove_stale_asides(folder: Path, name: str = "*") -> None:
    """Remove the hidden files that killed processes left in `folder`.

    Only a process that is the one writer of these files calls this: it would remove the files of other writers, too.

    Args:
        folder: the folder.
        name: the name of the target file. Default: any.
    """
    for leftover in folder.glob(f".{name}.*.tmp"):
        leftover.unlink(missing_ok=True)


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
