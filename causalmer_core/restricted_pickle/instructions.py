"""The instructions of a pickle, as `pickletools` of the standard library reads them from a file."""

from __future__ import annotations

import codecs
import pickletools
import struct
from collections.abc import Iterator
from typing import IO, Any, cast

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
"""What reading raises on a truncated or altered file."""


class Source:
    """The file, as `pickletools` reads it: never more than is there, and `position` says where it stands."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size
        self.position = 0

    def read(self, count: int) -> bytes:
        if count > self._size - self.position:
            raise ValueError(f"{count} bytes are announced and {self._size - self.position} are left")
        data = self._file.read(count)
        self.position += len(data)
        return data

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
        else:
            yield info.name, None if info.arg is None else info.arg.reader(cast(IO[bytes], source))
        if info.name == "STOP":
            return


_OPCODES = {info.code.encode("latin-1"): info for info in pickletools.opcodes}
