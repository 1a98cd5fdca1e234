"""The stack machine of pickle, as far as plain data needs it.

`pickletools` of the standard library reads the instructions; the tables at the end say what each one does
here. An instruction in none of them (persistent ids, extension codes, the making of other objects) is
refused.
"""

from __future__ import annotations

import codecs
import pickletools
import struct
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

from causalmer_core.datasets.pickled_arrays import (
    MAKERS,
    Allowance,
    NdarrayType,
    PickledArray,
    PickledDtype,
    PickleRefusedError,
    check_key,
)

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


def _instructions(source: Source) -> Iterator[tuple[str, Any]]:
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


class _Machine:
    """The stack machine of pickle, as far as plain data needs it."""

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise IndexError("the stack is empty")
        return self.stack.pop()

    def pop_many(self, count: int) -> tuple[Any, ...]:
        return tuple(reversed([self.pop() for _ in range(count)]))

    def pop_to_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, kind: type) -> Any:
        value = self.pop()
        if type(value) is not kind:
            raise TypeError(f"a {kind.__name__} is needed where a {type(value).__name__} is")
        self.stack.append(value)
        return value

    def drop(self) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.pop()

    def duplicate(self) -> None:
        value = self.pop()
        self.stack += [value, value]

    def memorise(self, index: int) -> None:
        value = self.pop()
        self.stack.append(value)
        self.memo[index] = value

    def extend(self, items: list[Any]) -> None:
        self.top(list).extend(items)

    def update(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise ValueError("a key without a value")
        target = self.top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            check_key(key)
            target[key] = value

    def unite(self, items: list[Any]) -> None:
        target = self.top(set)
        for item in items:
            check_key(item)
            target.add(item)

    def push_dict(self, items: list[Any]) -> None:
        self.stack.append({})
        self.update(items)

    def push_global(self, module: object, name: object) -> None:
        if (module, name) == ("numpy", "ndarray"):
            self.stack.append(NdarrayType())
        elif isinstance(module, str) and isinstance(name, str) and (module, name) in MAKERS:
            self.stack.append(_Maker(MAKERS[module, name]))
        else:
            raise PickleRefusedError(f"it asks for {str(module)[:80]}.{str(name)[:80]}")

    def call(self) -> None:
        maker, arguments = self.pop_many(2)
        if type(maker) is not _Maker or type(arguments) is not tuple:
            raise TypeError("a call of something that is no function")
        self.stack.append(maker.make(self.allowance, *arguments))

    def build(self) -> None:
        target, state = self.pop_many(2)
        if type(target) is PickledArray:
            target.set_state(self.allowance, state)
        elif type(target) is PickledDtype:
            target.set_state(state)
        else:
            raise PickleRefusedError(f"it sets the state of a {type(target).__name__}")
        self.stack.append(target)


class _Maker:
    """One of `MAKERS` on the stack."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self.make = make


_LITERALS = frozenset(
    (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    )
)
"""Instructions that put their argument on the stack."""

_WITHOUT_EFFECT = frozenset(("PROTO", "FRAME", "STOP"))

_WITH_ARGUMENT: dict[str, Callable[[_Machine, Any], object]] = {
    "GET": lambda m, a: m.stack.append(m.memo[a]),
    "BINGET": lambda m, a: m.stack.append(m.memo[a]),
    "LONG_BINGET": lambda m, a: m.stack.append(m.memo[a]),
    "PUT": lambda m, a: m.memorise(a),
    "BINPUT": lambda m, a: m.memorise(a),
    "LONG_BINPUT": lambda m, a: m.memorise(a),
    "GLOBAL": lambda m, a: m.push_global(*a.split(" ", 1)),
}

_WITHOUT_ARGUMENT: dict[str, Callable[[_Machine], object]] = {
    "NONE": lambda m: m.stack.append(None),
    "NEWTRUE": lambda m: m.stack.append(True),
    "NEWFALSE": lambda m: m.stack.append(False),
    "MARK": lambda m: m.marks.append(len(m.stack)),
    "POP": lambda m: m.drop(),
    "POP_MARK": lambda m: m.pop_to_mark().clear(),
    "DUP": lambda m: m.duplicate(),
    "MEMOIZE": lambda m: m.memorise(len(m.memo)),
    "EMPTY_LIST": lambda m: m.stack.append([]),
    "LIST": lambda m: m.stack.append(m.pop_to_mark()),
    "APPEND": lambda m: m.extend([m.pop()]),
    "APPENDS": lambda m: m.extend(m.pop_to_mark()),
    "EMPTY_TUPLE": lambda m: m.stack.append(()),
    "TUPLE": lambda m: m.stack.append(tuple(m.pop_to_mark())),
    "TUPLE1": lambda m: m.stack.append(m.pop_many(1)),
    "TUPLE2": lambda m: m.stack.append(m.pop_many(2)),
    "TUPLE3": lambda m: m.stack.append(m.pop_many(3)),
    "EMPTY_DICT": lambda m: m.stack.append({}),
    "DICT": lambda m: m.push_dict(m.pop_to_mark()),
    "SETITEM": lambda m: m.update(list(m.pop_many(2))),
    "SETITEMS": lambda m: m.update(m.pop_to_mark()),
    "EMPTY_SET": lambda m: m.stack.append(set()),
    "ADDITEMS": lambda m: m.unite(m.pop_to_mark()),
    "FROZENSET": lambda m: m.stack.append(MAKERS["builtins", "frozenset"](m.allowance, m.pop_to_mark())),
    "STACK_GLOBAL": lambda m: m.push_global(*m.pop_many(2)),
    "REDUCE": lambda m: m.call(),
    "BUILD": lambda m: m.build(),
}


def carry_out(source: Source, allowance: Allowance) -> Any:
    """The object that the pickle describes; its arrays are `PickledArray`s.

    Raises:
        PickleRefusedError: it asks for something other than plain data.
        Exception: one of `DAMAGE`; the pickle is truncated or altered.
    """
    machine = _Machine(allowance)
    for name, argument in _instructions(source):
        if name in _LITERALS:
            machine.stack.append(argument)
        elif name in _WITHOUT_ARGUMENT:
            _WITHOUT_ARGUMENT[name](machine)
        elif name in _WITH_ARGUMENT:
            _WITH_ARGUMENT[name](machine, argument)
        elif name not in _WITHOUT_EFFECT:
            asked = f" of {argument.replace(' ', '.')[:160]}" if isinstance(argument, str) else ""
            raise PickleRefusedError(
                f"it has the instruction {name}{asked}, which makes or fetches other objects"
            )
    return machine.pop()
