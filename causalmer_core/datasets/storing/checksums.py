"""Checksums of stored files: each file is checked once a process, when it is opened."""

from __future__ import annotations

from pathlib import Path

from causalmer_core.basics.digests import DamagedFileError, file_crc32
from causalmer_core.datasets.manifest import FileChecksum

_checked: dict[Path, tuple[object, ...]] = {}
"""The files that this process has checked, each with the identity of the file that had the checksum."""


def checksum(path: Path) -> FileChecksum:
    """The checksum of a file. The file is read a piece at a time, and none of it stays in the process's memory.

    Raises:
        OSError: the file cannot be read.
    """
    return FileChecksum(bytes=path.stat().st_size, crc32=file_crc32(path))


def has_checksum(path: Path, expected: FileChecksum) -> bool:
    """Whether a file is there, readable, and has a checksum. Its bytes are read in any case."""
    try:
        return checksum(path) == expected
    except OSError:
        return False


def check_file(path: Path, expected: FileChecksum, *, remedy: str) -> None:
    """Check a file against its checksum, unless this process has checked this very file before.

    A file that has another size, time of change or inode is checked again.

    Args:
        path: the file.
        expected: its checksum in the manifest.
        remedy: what the user can do about damage, for the message.

    Raises:
        DamagedFileError: the file is missing or cannot be read, or its bytes are not those that were written.
    """
    # One process trains many runs on the same data, so the check must not be paid for by each of them.
    path = path.absolute()
    try:
        stat = path.stat()
        found = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, expected)
        if _checked.get(path) == found:
            return
        if stat.st_size != expected.bytes:
            what = f"it has {stat.st_size} bytes, the manifest says {expected.bytes}"
            raise DamagedFileError(path, what, remedy)
        if file_crc32(path) != expected.crc32:
            raise DamagedFileError(path, "its bytes do not have the checksum in the manifest", remedy)
    except FileNotFoundError as error:
        raise DamagedFileError(path, "it is missing", remedy) from error
    except OSError as error:
        raise DamagedFileError(path, f"it cannot be read ({error.strerror or error})", remedy) from error
    _checked[path] = found
