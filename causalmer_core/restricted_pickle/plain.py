"""Our own makers of bytes and sets, and a check of the keys of dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from causalmer_core.restricted_pickle.payload import Payload
from causalmer_core.restricted_pickle.refusal import MemoryBudget, PickleRefusedError, short_value


def as_bytes(data: object) -> bytes | bytearray | memoryview:
    """Raw data, or a view of the file where they are many; a Python 2 `str` comes as text in latin-1."""
    if type(data) is Payload:
        return data.view
    if isinstance(data, str):
        return data.encode("latin-1")
    if isinstance(data, (bytes, bytearray)):
        return data
    raise PickleRefusedError(f"the data of an array is {short_value(data)}, not bytes")


def _encode(budget: MemoryBudget, text: object = "", encoding: object = "latin1") -> bytes:
    """`_codecs.encode`, how protocols 0 to 2 write bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise PickleRefusedError("it asks for _codecs.encode with something other than text and latin1")
    budget.spend(len(text))
    return text.encode("latin-1")


def _bytes(budget: MemoryBudget, data: object = b"", encoding: object = "latin-1") -> bytes:
    raw = _encode(budget, data, encoding) if isinstance(data, str) else as_bytes(data)
    budget.spend(len(raw))
    return bytes(raw)


def _bytearray(budget: MemoryBudget, data: object = b"", encoding: object = "latin-1") -> bytearray:
    return bytearray(_bytes(budget, data, encoding))


def check_key(value: object) -> None:
    """Refuse a value that may not be a key of a dict or a member of a set.

    Allowed are plain values and flat tuples of them.

    Raises:
        PickleRefusedError: the value is of another kind.
    """
    # Hashing a tuple nested a million times overflows the C stack.
    plain = (str, bytes, int, float, bool, type(None))
    if type(value) in plain:
        return
    if type(value) is not tuple or len(value) > 32 or any(type(x) not in plain for x in value):
        raise PickleRefusedError(f"it has {short_value(value)} as a key of a dict or a member of a set")


def _members(budget: MemoryBudget, items: object) -> list[Any]:
    if type(items) is not list:
        raise PickleRefusedError("it makes a set of something other than a list")
    for item in items:
        check_key(item)
    budget.spend(8 * len(items))
    return items


def _set(budget: MemoryBudget, items: object = None) -> set[Any]:
    return set(_members(budget, [] if items is None else items))


def frozen_set(budget: MemoryBudget, items: object = None) -> frozenset[Any]:
    """A frozenset of the plain values of a list."""
    return frozenset(_members(budget, [] if items is None else items))


PLAIN_MAKERS: dict[tuple[str, str], Callable[..., object]] = {
    ("_codecs", "encode"): _encode,
    **{
        (module, name): maker
        for module in ("builtins", "__builtin__")
        for name, maker in (
            ("bytes", _bytes),
            ("bytearray", _bytearray),
            ("set", _set),
            ("frozenset", frozen_set),
        )
    },
}
"""Functions that a pickle may name, by exact module and name, and our functions in their place."""
