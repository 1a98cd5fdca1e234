"""One array of an `.npz` file, read a piece at a time, compressed or not."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.errors import UserError

DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError, NotImplementedError)
"""Exceptions that a damaged, encrypted or oddly compressed archive raises."""


@final
class NpzMember:
    """An array whose slices are read from the archive; fastest in rising order.

    Args:
        archive: the open file; it stays open as long as its members exist.
        path: for messages.
        info: the member.

    Raises:
        UserError: the member is no array of numbers or text, or shorter than its header says.
    """

    def __init__(self, archive: zipfile.ZipFile, path: Path, info: zipfile.ZipInfo) -> None:
        self._archive = archive
        self._info = info
        self._where = f"{path}: {info.filename}"
        try:
            with archive.open(info) as stream:
                self.shape, self._fortran, self.dtype = _header(stream)
                self._start = stream.tell()
        except DAMAGE as error:
            raise _damaged(self._where, error) from error
        if self.dtype.hasobject:
            raise UserError(
                f"{self._where}: holds Python objects, which would have to be unpickled; save numbers, or text of "
                "fixed width (np.array(ids, dtype=str))"
            )
        if self._start + self.nbytes != info.file_size:
            raise UserError(
                f"{self._where}: shape {self.shape} and dtype {self.dtype} need {self.nbytes} bytes, and there are "
                f"{info.file_size - self._start}; is the file cut short?"
            )
        self._stream: IO[bytes] | None = None
        self._next = 0
        self._held: NDArray[Any] | None = None

    @property
    def nbytes(self) -> int:
        """The size of the whole array."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: slice) -> NDArray[Any]:
        """The samples of a slice with step 1. An array in Fortran's order is held until its last sample is read."""
        start, stop, _ = key.indices(len(self))
        if self._fortran:
            held = self.whole() if self._held is None else self._held
            self._held = held if stop < len(self) else None
            return held[start:stop]
        row = self.nbytes // len(self)
        data = self._read(start * row, max(0, stop - start) * row)
        return np.frombuffer(data, self.dtype).reshape(-1, *self.shape[1:])

    def whole(self) -> NDArray[Any]:
        """The whole array, in memory."""
        data = self._read(0, self.nbytes)
        return np.frombuffer(data, self.dtype).reshape(self.shape, order="F" if self._fortran else "C")

    def _read(self, start: int, count: int) -> bytes:
        try:
            if self._stream is None or start < self._next:
                self._stream = self._archive.open(self._info)
                self._stream.seek(self._start)
                self._next = 0
            self._stream.seek(start - self._next, 1)
            data = self._stream.read(count)
        except DAMAGE as error:
            raise _damaged(self._where, error) from error
        self._next = start + count
        if len(data) < count:
            raise UserError(f"{self._where}: {count} bytes are missing {len(data)}; is the file cut short?")
        return data


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"version {version} of the .npy format, which is for records")


def _damaged(where: str, error: Exception) -> UserError:
    return UserError(f"{where}: cannot be read as an array ({type(error).__name__}: {str(error)[:160]})")
