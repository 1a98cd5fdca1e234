"""Parquet files whose every byte is checked: a reader gets what was written, or an error.

Parquet's own checksums cover the contents of pages. They cover neither the headers of pages nor the footer, where one
flipped bit can make another value. So the writer divides the whole file into ranges, one for each row group and the
last one for the footer, and keeps their CRC-32 in another file. `CheckedParquet` uses no byte before it has checked
its range, and reads only the ranges that it needs.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from causalmer_core.basics.digests import DamagedFileError

ByteRange = Sequence[int]
"""The first byte of a range, the byte behind its last one, and its CRC-32."""

_MAGIC = b"PAR1"
"""The first and the last bytes of a Parquet file. The length of the footer, 4 bytes, precedes the last ones."""


def parquet_writer(sink: Path | pa.NativeFile, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer of Parquet with page checksums, compressed with zstd. It is used as a context.

    Args:
        sink: the file.
        schema: the columns and the metadata.
    """
    return pq.ParquetWriter(sink, schema, compression="zstd", write_page_checksum=True)


def byte_ranges(path: Path) -> list[ByteRange]:
    """The ranges of a file that was just written: one for each row group, then the footer. They cover every byte.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(size - len(_MAGIC) - 4)
        footer = size - len(_MAGIC) - 4 - int.from_bytes(file.read(4), "little")
        # pyarrow writes row groups without gaps. Wherever the cuts are, each byte is in a range.
        cuts = {0, *accumulate(_lengths(path), initial=len(_MAGIC)), footer, size} - {len(_MAGIC)}
        file.seek(0)
        return [(start, end, zlib.crc32(file.read(end - start))) for start, end in pairwise(sorted(cuts))]


def _lengths(path: Path) -> Iterator[int]:
    """The length of each row group in bytes."""
    metadata = pq.read_metadata(path)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        yield sum(group.column(number).total_compressed_size for number in range(group.num_columns))


def parse_parquet(content: bytes, where: Path, remedy: str) -> pa.Table:
    """The table in the bytes of a whole file. Pages that have checksums are checked.

    Args:
        content: the file's bytes.
        where: the file's path, for the message.
        remedy: what the user can do about damage, for the message.

    Raises:
        DamagedFileError: the bytes are not Parquet, or a page's checksum or a value is wrong.
    """
    with _unreadable_is_damage(where, remedy):
        table = pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        table.validate(full=True)
        return table


class CheckedParquet:
    """A Parquet file that is held open. A later replacement of the file does not change what is read.

    Args:
        path: the file.
        ranges: its ranges, as `byte_ranges` gave them.
        remedy: what the user can do about damage, for messages.

    Attributes:
        metadata: the checked footer.

    Raises:
        DamagedFileError: the file is missing, or its size or its footer is wrong.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path, ranges: Sequence[ByteRange], remedy: str) -> None:
        self._where, self._remedy, self._ranges = path, remedy, ranges
        self._source = _CheckedFile(path, ranges, remedy)
        footer = self._source.checked(len(ranges) - 1)
        with _unreadable_is_damage(path, remedy):
            self.metadata = pq.read_metadata(pa.BufferReader(footer))
            self._file = pq.ParquetFile(
                pa.PythonFile(self._source, "r"), metadata=self.metadata, page_checksum_verification=True
            )

    def check(self) -> None:
        """Check every byte.

        Raises:
            DamagedFileError: a range is not what was written.
            OSError: the file cannot be read.
        """
        for number in range(len(self._ranges)):
            self._source.checked(number)

    def read(self, groups: Iterable[int] | None = None) -> pa.Table:
        """The rows of some row groups, after a check of their bytes.

        Args:
            groups: the numbers of the row groups. None: all.

        Raises:
            DamagedFileError: a row group is not what was written.
            OSError: the file cannot be read.
        """
        wanted = range(self.metadata.num_row_groups) if groups is None else groups
        # One after another: the bytes of one row group are in memory, and each is read once.
        tables = [self._row_group(number) for number in wanted]
        return pa.concat_tables([self._file.schema_arrow.empty_table(), *tables])

    def _row_group(self, number: int) -> pa.Table:
        self._source.checked(number)  # here, so that an error of the disk is not taken for damage
        with _unreadable_is_damage(self._where, self._remedy):
            return self._file.read_row_group(number)


class _CheckedFile:
    """A file object for pyarrow that gives checked bytes only. It keeps the last range that was read."""

    closed = False

    def __init__(self, path: Path, ranges: Sequence[ByteRange], remedy: str) -> None:
        self._path, self._ranges, self._remedy = path, ranges, remedy
        try:
            self._file = pa.OSFile(str(path))
        except FileNotFoundError as error:
            raise DamagedFileError(path, "it is missing", remedy) from error
        self._size: int = ranges[-1][1]
        if self._file.size() != self._size:
            raise DamagedFileError(path, f"it has {self._file.size()} bytes instead of {self._size}", remedy)
        self._at = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def checked(self, number: int) -> bytes:
        """The bytes of a range."""
        # Local names, because another thread may replace the held range meanwhile.
        held, content = self._held
        if held != number:
            start, end, crc = self._ranges[number]
            content = self._file.read_at(end - start, start)
            if zlib.crc32(content) != crc:
                place = "the footer" if number == len(self._ranges) - 1 else f"row group {number}"
                what = f"{place} (bytes {start} to {end - 1}) does not match its checksum"
                raise DamagedFileError(self._path, what, self._remedy)
            self._held = (number, content)
        return content

    def read(self, size: int = -1) -> memoryview | bytes:
        """The next bytes; a negative size means all that follow."""
        start = self._at
        self._at = end = self._size if size < 0 else min(start + size, self._size)
        pieces = [
            memoryview(self.checked(number))[max(start - first, 0) : end - first]
            for number, (first, last, _) in enumerate(self._ranges)
            if first < end and start < last
        ]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._file.close()
        self.closed = True


@contextmanager
def _unreadable_is_damage(where: Path, remedy: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        # pyarrow's classes for bad content are many, and the first line says enough.
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedFileError(where, f"it is not readable Parquet ({what})", remedy) from error
