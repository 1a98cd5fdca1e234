"""The error that refuses a pickle, and the budget of the memory that one may use."""

from __future__ import annotations


class PickleRefusedError(Exception):
    """The pickle holds something that its reader does not need. The message names it."""


class MemoryBudget:
    """The bytes that the objects of a pickle may take.

    Args:
        limit: bytes.
    """

    # A pickle can name one long string many times and have it converted each time: without a bound a file of a
    # megabyte fills terabytes of memory.

    def __init__(self, limit: int) -> None:
        self._left = limit

    @classmethod
    def for_size(cls, file_size: int) -> MemoryBudget:
        """A small multiple of a pickle's own size."""
        return cls(16 * file_size + 4096)

    def spend(self, size: int) -> None:
        """Count `size` more bytes.

        Raises:
            PickleRefusedError: the budget is spent.
        """
        self._left -= size
        if self._left < 0:
            raise PickleRefusedError("its contents would take far more memory than the file has bytes")


def short_value(value: object) -> str:
    """A value for a message; containers and long text are not shown whole."""
    return repr(value)[:60] if isinstance(value, (str, bytes, int, float)) else type(value).__name__
