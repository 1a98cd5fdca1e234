"""Large bytes in a pickle, kept as a view of the file instead of a copy."""

from __future__ import annotations

from typing import Literal, final

Kind = Literal["bytes", "bytearray", "text"]


@final
class Payload:
    """The bytes of one instruction, where they lie in the memory-mapped file.

    An array is built over `view` without reading it. In every other place `value` copies the bytes.

    Args:
        view: the bytes, read-only.
        kind: the type of the instruction's value; `text` is Python 2's `str`, read as latin-1.
    """

    __slots__ = ("_kind", "view")

    def __init__(self, view: memoryview, kind: Kind) -> None:
        self.view = view
        self._kind = kind

    def value(self) -> bytes | bytearray | str:
        """The bytes, copied into memory."""
        return in_memory(self.view, self._kind)


def in_memory(data: bytes | memoryview, kind: Kind) -> bytes | bytearray | str:
    """The value that an instruction with these bytes puts on the stack."""
    if kind == "text":
        return str(data, "latin-1")
    return bytearray(data) if kind == "bytearray" else bytes(data)
