"""A crash-safe journal: acknowledged rows survive kills, torn writes and full disks.

One file has one writer. A line is

    <CRC-32 of the JSON, 8 hexadecimal digits> <space> <JSON object> <newline>

It is written by one `write` and made durable by `fdatasync` before `append` returns. A kill in the middle of a write
makes a torn tail without a newline, which is not an error. A whole line with a wrong checksum is damage: no kill makes
it. Whole lines that are gone are found by a `Seal`, the length and the checksum of a journal as they once were.

The JSON is Python's: `NaN`, `Infinity` and `-Infinity` are floats, which strict JSON does not have. So the record
distinguishes an infinite loss from an undefined one.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import fsync_folder

BALLAST_BYTES = 32 * 1024
"""The size of the ballast file, which is deleted to make room for a few dozen rows when the disk is full."""

REMEDY = (
    "'causalmer resume' keeps the file beside its repair and makes again what it lacks; "
    "'causalmer results verify' lists all damage"
)
"""What a user can do about a damaged journal."""

REPAIRED = "repaired"
"""The kind of the line that tells of a repair, in a journal of which lines were lost."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


def now() -> str:
    """The time in UTC, ISO 8601 with microseconds: the form of every `time` in a journal."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class JournalError(UserError):
    """A row could not be made durable, or the journal has another writer. Rows acknowledged before are safe."""


class JournalFullError(JournalError):
    """The disk is full, even after the ballast was deleted."""


class _ShortWriteError(OSError):
    """Fewer bytes were written than given. A file system that has just become full does this without an error."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A journal as it was when it was sealed.

    Attributes:
        size: its length in bytes.
        crc32: the CRC-32 of these bytes.
        ended: whether it had ended, so that nothing may follow.
    """

    size: int
    crc32: int
    ended: bool


@dataclass(frozen=True, slots=True)
class JournalScan:
    """The content of a journal.

    Attributes:
        rows: its complete rows, up to the first damaged line. Empty if its lines are not those that were sealed.
        torn: whether an incomplete line without a newline ends it.
        valid_bytes: the length of `rows`, in bytes.
        damage: what is wrong and where, in words. Empty if nothing is.
        rows_behind: the complete rows behind the first damaged line.
        size, crc32: the length and the CRC-32 of the whole file.
    """

    rows: list[dict[str, Any]]
    torn: bool
    valid_bytes: int
    damage: str
    rows_behind: list[dict[str, Any]]
    size: int
    crc32: int


def encode_line(row: Mapping[str, Any]) -> bytes:
    """A row as a line of a journal.

    Raises:
        TypeError: JSON cannot represent a value.
    """
    body = json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def decode_line(line: bytes) -> dict[str, Any] | None:
    """The row of a line, given without its newline. None if the line is damaged."""
    if len(line) < 10 or line[8:9] != b" ":
        return None
    body = line[9:]
    if line[:8] != b"%08x" % zlib.crc32(body):
        return None
    try:
        row = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def scan_journal(path: Path, seal: Seal | None = None) -> JournalScan:
    """All that is in a journal, damaged or not. A missing file is an empty journal.

    Args:
        path: the file.
        seal: the journal as it once was. None: it was not sealed, and lines that are gone are not noticed.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        return JournalScan([], False, 0, f"it cannot be read ({error.strerror or error})", [], 0, 0)
    *lines, tail = data.split(b"\n")
    found = [decode_line(line) for line in lines]
    good = next((place for place, row in enumerate(found) if row is None), len(found))
    damage = "" if good == len(found) else f"line {good + 1}: its checksum does not match"
    if not damage and seal is not None:
        damage = _against(seal, data, len(lines))
        if zlib.crc32(data[: seal.size]) != seal.crc32 and len(data) >= seal.size:
            good = 0  # these are other lines, not what is left of the sealed ones
    return JournalScan(
        rows=[row for row in found[:good] if row is not None],
        torn=tail != b"",
        valid_bytes=sum(len(line) + 1 for line in lines[:good]),
        damage=damage,
        rows_behind=[] if None not in found else [row for row in found[good:] if row is not None],
        size=len(data),
        crc32=zlib.crc32(data),
    )


def _against(seal: Seal, data: bytes, lines: int) -> str:
    """How a journal differs from its seal, in words. Empty if it does not."""
    if len(data) < seal.size:
        return (
            f"line {lines + 1}: it is gone, {seal.size - len(data)} of {seal.size} sealed bytes are missing"
        )
    if zlib.crc32(data[: seal.size]) != seal.crc32:
        return "its lines are not those that were sealed"
    if seal.ended and len(data) > seal.size:
        return f"byte {seal.size}: {len(data) - seal.size} bytes follow the sealed end"
    return ""


def read_journal(path: Path, seal: Seal | None = None) -> list[dict[str, Any]]:
    """The complete rows of a journal, in the order written. A torn tail is skipped. `scan_journal` reads damaged ones.

    Args:
        path: the file. A missing one is an empty journal, unless it was sealed.
        seal: as in `scan_journal`.

    Raises:
        DamagedFileError: a line is damaged, or the journal is not the sealed one.
    """
    scan = scan_journal(path, seal)
    if scan.damage:
        raise DamagedFileError(path, scan.damage, REMEDY)
    return scan.rows


def append_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows to a journal that several processes write, each for a moment. It is made if need be.

    Raises:
        JournalError: the rows cannot be written. No part of them remains.
    """
    lines = b"".join(map(encode_line, rows))
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            tail = os.pread(descriptor, 2**16, max(size - 2**16, 0))
            whole = size - len(tail.rpartition(b"\n")[2])  # a killed writer may have left a torn line
            os.ftruncate(descriptor, whole)
            try:
                if os.write(descriptor, lines) != len(lines):
                    raise _ShortWriteError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fdatasync(descriptor)
            except OSError:
                os.ftruncate(descriptor, whole)
                raise
        finally:
            os.close(descriptor)
    except OSError as error:
        kind = JournalFullError if _is_full(error) else JournalError
        raise kind(
            f"cannot write to the journal {path}: {error.strerror or error}; resume the sweep"
        ) from error


Keep = Callable[[Path], None]


def on_disk(_: Path) -> None:
    """Do nothing: the journal's file is the only copy."""


class Journal:
    """The one writer of a journal file. `Journal.create` begins a new file, `Journal.open` continues one.

    Args:
        path: the file.
        descriptor: the file, open for appending.
        keep: called with the path after each row, to copy the file to the sweep's store (see
            `results.storage.sweep_store.SweepStore.push`).

    Raises:
        JournalFullError: there is no room for the ballast.
        JournalError: another process writes to the journal.
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
            FileExistsError: the file exists. Two writers never create the same journal.
            JournalFullError: there is no room for a few dozen rows.
            JournalError: its folder cannot be made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:  # among them FileExistsError: a file has the folder's name
            raise JournalError(f"cannot make the folder {path.parent}: {error.strerror or error}") from error
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o644)
        journal = cls(path, descriptor, keep)
        fsync_folder(path.parent)
        return journal

    @classmethod
    def open(cls, path: Path, keep: Keep = on_disk) -> Self:
        """Continue a journal after its last complete row, or begin it if it does not exist.

        Raises:
            JournalError: another process writes to it.
            DamagedFileError: a line is damaged.
            JournalFullError: there is no room for a few dozen rows.
        """
        if not path.exists():
            try:
                return cls.create(path, keep)
            except FileExistsError:
                pass  # another process began it just now: continue it, unless that process still holds it
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        journal = cls(path, descriptor, keep)
        try:
            journal._drop_torn_tail()
        except BaseException:
            journal.close()
            raise
        return journal

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row. When this returns, the row is on disk and in the sweep's store.

        On a full disk the incomplete row is cut off, the ballast is deleted, and the row is written once more.

        Raises:
            JournalFullError: the disk is full, even without the ballast. No part of the row remains.
            JournalError: the row cannot be written for another reason, or the journal is closed.
            StoreError: the row is on disk, but not in the store. The next row's push includes it.
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
        """End writing and remove the ballast. Closing twice is allowed."""
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
        """Cut off the bytes after `size`. An incomplete line would hide all later rows from every reader."""
        try:
            os.ftruncate(self._open_descriptor, size)
        except OSError:
            self.close()  # no row may follow an incomplete line
            raise

    def _claim(self) -> None:
        try:
            fcntl.flock(self._open_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._open_descriptor)
            self._descriptor = None  # not by close(), which would delete the other writer's ballast
            raise JournalError(f"another process writes to the journal {self.path}") from error

    def _set_ballast_aside(self) -> None:
        try:
            # Random bytes, because zeros take no room on a file system that compresses.
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
        if scan.damage:
            raise DamagedFileError(self.path, scan.damage, REMEDY)
        if scan.torn:
            os.ftruncate(self._open_descriptor, scan.valid_bytes)
            os.fdatasync(self._open_descriptor)


def _is_full(error: OSError) -> bool:
    return error.errno in _FULL
