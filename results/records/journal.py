"""A crash-safe journal: rows that were acknowledged outlive kills, torn writes and full disks.

One file has one writer. A line is

    <CRC-32 of the JSON, 8 hexadecimal digits> <space> <JSON object> <newline>

written by one `write` and made durable by `fdatasync` before `append` returns. A reader takes the lines up to
the first that is not whole; a torn tail is what a kill in the middle of a write leaves, and is never an
error.

JSON here is Python's: `NaN`, `Infinity` and `-Infinity` stand for the floats that strict JSON cannot say, so
that a loss that became infinite is told apart from one that became undefined.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import fsync_folder

BALLAST_BYTES = 32 * 1024
"""What is set aside beside a journal, to be given up when the disk is full: a few dozen rows."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


def now() -> str:
    """The time in UTC, ISO 8601 with microseconds: the form of every `time` in a journal."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class JournalError(UserError):
    """A row could not be made durable, or the journal has another writer. Rows acknowledged before it are
    safe.
    """


class JournalFullError(JournalError):
    """The disk is full, also after the ballast was given up."""


class _ShortWriteError(OSError):
    """Fewer bytes were written than given, which is how a file system says that it has just become full."""


@dataclass(frozen=True, slots=True)
class JournalScan:
    """What a journal holds: its whole rows, whether something follows that is not whole, and where that
    begins.
    """

    rows: list[dict[str, Any]]
    torn: bool
    valid_bytes: int


def encode_line(row: Mapping[str, Any]) -> bytes:
    """A row as a line of a journal.

    Raises:
        TypeError: a value is not of JSON.
    """
    body = json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decode_line(line: bytes) -> dict[str, Any] | None:
    """The row of a line without its newline, or none if the line is not as it was written."""
    if len(line) < 10 or line[8:9] != b" ":
        return None
    body = line[9:]
    if line[:8] != b"%08x" % zlib.crc32(body):
        return None
    row = json.loads(body)
    return row if isinstance(row, dict) else None


def scan_journal(path: Path) -> JournalScan:
    """The valid prefix of a journal; a missing file is an empty journal."""
    data = path.read_bytes() if path.exists() else b""
    rows: list[dict[str, Any]] = []
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        row = decode_line(data[start:end])
        if row is None:
            break
        rows.append(row)
        start = end + 1
    return JournalScan(rows, torn=start < len(data), valid_bytes=start)


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The whole rows of a journal, in the order written; `scan_journal` also says whether the tail is
    torn.
    """
    return scan_journal(path).rows


Keep = Callable[[Path], None]


def on_disk(_: Path) -> None:
    """For a journal whose file is all that there is to keep."""


class Journal:
    """The one writer of a journal file. `Journal.create` begins a new file, `Journal.open` continues one.

    Args:
        path: the file.
        descriptor: the file, open for appending.
        keep: is called with the path after each row, and keeps the file where the sweep belongs (see
            `results.storage.sweep_store.SweepStore.push`).
    """

    def __init__(self, path: Path, descriptor: int, keep: Keep = on_disk) -> None:
        self.path = path
        self._keep = keep
        self._descriptor: int | None = descriptor
        self._ballast = path.with_name(f".{path.name}.ballast")
        try:
            self._claim()
            self._set_ballast_aside()
        except BaseException:
            self.close()
            raise

    @classmethod
    def create(cls, path: Path, keep: Keep = on_disk) -> Self:
        """Begin a new journal.

        Raises:
            FileExistsError: the file exists; no two writers ever create the same journal.
            JournalFullError: there is no room for a few dozen rows.
            JournalError: its folder cannot be made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # a file in the folder's place is FileExistsError, too
            raise JournalError(f"cannot make the folder {path.parent}: {error.strerror or error}") from error
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o644)
        journal = cls(path, descriptor, keep)
        fsync_folder(path.parent)
        return journal

    @classmethod
    def open(cls, path: Path, keep: Keep = on_disk) -> Self:
        """Continue a journal after its last whole row, or begin it where there is none.

        Raises:
            JournalError: another process writes to it, or it is damaged in the middle.
            JournalFullError: there is no room for a few dozen rows.
        """
        if not path.exists():
            try:
                return cls.create(path, keep)
            except FileExistsError:
                pass  # another process began it just now: continue it, or be refused by its claim
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        journal = cls(path, descriptor, keep)
        try:
            journal._drop_torn_tail()
        except BaseException:
            journal.close()
            raise
        return journal

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; when this returns, the row is on disk, and kept where the sweep belongs.

        A full disk: what was written of the row is cut off again, the ballast is given up, and the row is
        tried once more.

        Raises:
            JournalFullError: the disk is full, also without the ballast. No part of the row stays.
            JournalError: the row cannot be written for another reason, or the journal is closed.
            StoreError: the row is on disk, but cannot be kept; the next row takes it along.
        """
        line = encode_line(row)
        try:
            try:
                self._write(line)
            except OSError as error:
                if not _is_full(error) or not self._release_ballast():
                    raise
                self._write(line)
        except OSError as error:
            kind = JournalFullError if _is_full(error) else JournalError
            raise kind(
                f"cannot write to the journal {self.path}: {error.strerror or error}. Every row before "
                "it is safe; free some space or move the storage, then resume the sweep"
            ) from error
        self._keep(self.path)

    def close(self) -> None:
        """End writing and remove the ballast; closing again does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._ballast.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _open_descriptor(self) -> int:
        if self._descriptor is None:
            raise JournalError(f"the journal {self.path} is closed")
        return self._descriptor

    def _write(self, line: bytes) -> None:
        descriptor = self._open_descriptor
        whole = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, line) != len(line):
                raise _ShortWriteError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(descriptor)
        except OSError:
            self._cut(whole)
            raise

    def _cut(self, size: int) -> None:
        """Take back what was written after `size`: a half line would hide all later rows from every
        reader.
        """
        try:
            os.ftruncate(self._open_descriptor, size)
        except OSError:
            self.close()  # nothing may follow a half line
            raise

    def _claim(self) -> None:
        try:
            fcntl.flock(self._open_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._open_descriptor)
            self._descriptor = None  # not through close(): the ballast is the other writer's
            raise JournalError(f"another process writes to the journal {self.path}") from error

    def _set_ballast_aside(self) -> None:
        try:
            # Random bytes: a file system that compresses would make nothing of zeros.
            self._ballast.write_bytes(os.urandom(BALLAST_BYTES))
        except OSError as error:
            kind = JournalFullError if _is_full(error) else JournalError
            raise kind(f"no room to begin the journal {self.path}: {error.strerror or error}") from error

    def _release_ballast(self) -> bool:
        try:
            self._ballast.unlink()
        except FileNotFoundError:
            return False
        return True

    def _drop_torn_tail(self) -> None:
        scan = scan_journal(self.path)
        rest = self.path.read_bytes()[scan.valid_bytes :]
        if rest.find(b"\n") not in (-1, len(rest) - 1):
            # A kill tears the last line only: rows after a bad one mean a damaged disk or a foreign hand.
            raise JournalError(
                f"the journal {self.path} is damaged at byte {scan.valid_bytes}, with further rows after "
                "that; keep a copy of it, cut it there, and resume"
            )
        if scan.torn:
            os.ftruncate(self._open_descriptor, scan.valid_bytes)
            os.fdatasync(self._open_descriptor)


def _is_full(error: OSError) -> bool:
    return error.errno in _FULL
