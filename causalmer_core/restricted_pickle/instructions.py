"""The instructions of a pickle, read by `pickletools` of the standard library."""

from __future__ import annotations

import codecs
import mmap
import os
import pickletools
import struct
from collections.abc import Iterator
from typing import IO, Any, cast

from causalmer_core.restricted_pickle.payload import Kind, Payload, in_memory

DAMAGE = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    AssertionError,
    struct.error,
    MemoryError,
)
"""Exceptions that reading raises on a truncated or altered file."""


class Source:
    """A file that `pickletools` reads from. It never reads past the end; `position` counts the bytes read so far.

    Args:
        file: the file, at its beginning.
        size: bytes of the file.
        view_above: more bytes than this in one instruction stay in the file, memory-mapped. None: all are read.
    """

    def __init__(self, file: IO[bytes], size: int, *, view_above: int | None = None) -> None:
        self._file = file
        self._size = size
        self._view_above = view_above
        self._mapping: memoryview | None = None
        self.position = 0

    def _check(self, count: int) -> None:
        if count > self._size - self.position:
            raise ValueError(f"{count} bytes are announced and {self._size - self.position} are left")

    def read(self, count: int) -> bytes:
        self._check(count)
        data = self._file.read(count)
        self.position += len(data)
        return data

    def payload(self, count: int, kind: Kind) -> Payload | bytes | bytearray | str:
        """The value that an instruction's bytes make, or a view of them where they are many."""
        if count < 0:
            raise ValueError(f"{count} bytes are announced")
        if self._view_above is not None and count > self._view_above:
            return Payload(self._view(count), kind)
        data = self.read(count)
        if len(data) < count:
            raise ValueError(f"{count} bytes are announced and {len(data)} are there")
        return in_memory(data, kind)

    def _view(self, count: int) -> memoryview:
        self._check(count)
        if self._mapping is None:
            self._mapping = memoryview(mmap.mmap(self._file.fileno(), self._size, access=mmap.ACCESS_READ))
        start = self.position
        self._file.seek(count, os.SEEK_CUR)
        self.position += count
        return self._mapping[start : self.position]

    def readline(self) -> bytes:
        data = self._file.readline()
        self.position += len(data)
        return data


def _read_string(source: Source) -> str:
    """The argument of STRING, Python 2's quoted text, which `pickletools` of Python 3.11 takes for ASCII."""
    line = source.readline()
    text = line.rstrip(b"\r\n")
    if not line.endswith(b"\n") or len(text) < 2 or text[:1] not in b"'\"" or text[:1] != text[-1:]:
        raise ValueError("a text without its quotes")
    return codecs.escape_decode(text[1:-1])[0].decode("latin-1")


def instructions(source: Source) -> Iterator[tuple[str, Any]]:
    """The name and the argument of each instruction up to STOP."""
    while True:
        code = source.read(1)
        info = _OPCODES.get(code)
        if info is None:
            raise ValueError(f"{code!r} is no instruction of a pickle")
        if info.name == "STRING":
            yield info.name, _read_string(source)
        elif info.name in _PAYLOADS:
            length, kind = _PAYLOADS[info.name]
            (count,) = struct.unpack(length, source.read(struct.calcsize(length)))
            yield info.name, source.payload(count, kind)
        else:
            yield info.name, None if info.arg is None else info.arg.reader(cast(IO[bytes], source))
        if info.name == "STOP":
            return


_OPCODES = {info.code.encode("latin-1"): info for info in pickletools.opcodes}

_PAYLOADS: dict[str, tuple[str, Kind]] = {
    "BINBYTES": ("<I", "bytes"),
    "BINBYTES8": ("<Q", "bytes"),
    "BINSTRING": ("<i", "text"),
    "BYTEARRAY8": ("<Q", "bytearray"),
}
"""Instructions that may carry an array's data: the form of the length, and what the bytes make."""
