"""The stack machine of pickle, which calls nothing that a file names.

The tables at the end say what each instruction does here. An instruction in none of them is refused: extension codes,
old ways to make objects. An `ObjectFactory` decides what a name, a call, an object, a state or a persistent id gives,
and refuses all that it does not know.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from causalmer_core.restricted_pickle.instructions import Source, instructions
from causalmer_core.restricted_pickle.plain import check_key, frozen_set
from causalmer_core.restricted_pickle.refusal import MemoryBudget, PickleRefusedError


class Maker:
    """A function of ours on the stack, in the place of one that a pickle names."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self.make = make


class ObjectFactory:
    """The names that a pickle may use and the objects that it may make. This base knows none; readers add theirs.

    Args:
        budget: the memory that all made objects may take.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self.budget = budget

    def named(self, module: str, name: str) -> object:
        """The value on the stack for `module.name`: a `Maker`, or a value that does nothing.

        Raises:
            PickleRefusedError: the name is not known.
        """
        raise PickleRefusedError(f"it asks for {module[:80]}.{name[:80]}")

    def call(self, function: object, arguments: tuple[Any, ...]) -> object:
        """The result of a call. Only a `Maker` can be called."""
        if type(function) is not Maker:
            raise TypeError("a call of something that is no function")
        return function.make(self.budget, *arguments)

    def new(self, kind: object, arguments: tuple[Any, ...]) -> object:
        """The value in the place of a new object of a class."""
        raise _other_objects("NEWOBJ")

    def build(self, target: object, state: object) -> None:
        """Give an object its state."""
        raise PickleRefusedError(f"it sets the state of a {type(target).__name__}")

    def persistent(self, identifier: object) -> object:
        """The value in the place of an object that is stored outside the pickle."""
        raise _other_objects("BINPERSID")


def _other_objects(instruction: str, argument: object = None) -> PickleRefusedError:
    asked = f" of {argument.replace(' ', '.')[:160]}" if isinstance(argument, str) else ""
    return PickleRefusedError(
        f"it has the instruction {instruction}{asked}, which makes or fetches other objects"
    )


class _Machine:
    """The stack and the memo, and what the instructions do to them."""

    def __init__(self, factory: ObjectFactory) -> None:
        self.factory = factory
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

    def push_frozen_set(self) -> None:
        self.stack.append(frozen_set(self.factory.budget, self.pop_to_mark()))

    def push_global(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name that is no text")
        self.stack.append(self.factory.named(module, name))

    def push_persistent(self) -> None:
        self.stack.append(self.factory.persistent(self.pop()))

    def call(self) -> None:
        function, arguments = self.pop_many(2)
        if type(arguments) is not tuple:
            raise TypeError("a call without a tuple of arguments")
        self.stack.append(self.factory.call(function, arguments))

    def new(self) -> None:
        kind, arguments = self.pop_many(2)
        if type(arguments) is not tuple:
            raise TypeError("an object without a tuple of arguments")
        self.stack.append(self.factory.new(kind, arguments))

    def build(self) -> None:
        target, state = self.pop_many(2)
        self.factory.build(target, state)
        self.stack.append(target)


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
    "FROZENSET": lambda m: m.push_frozen_set(),
    "STACK_GLOBAL": lambda m: m.push_global(*m.pop_many(2)),
    "REDUCE": lambda m: m.call(),
    "NEWOBJ": lambda m: m.new(),
    "BUILD": lambda m: m.build(),
    "BINPERSID": lambda m: m.push_persistent(),
}


def execute(source: Source, factory: ObjectFactory) -> Any:
    """The object that the pickle describes: plain containers, and values that the factory made.

    Raises:
        PickleRefusedError: the pickle asks for something that the factory does not know.
        Exception: one of `DAMAGE`; the pickle is truncated or altered.
    """
    machine = _Machine(factory)
    with warnings.catch_warnings():
        # Python's warnings about odd escapes in a foreign text do not help the user who imports the file.
        warnings.simplefilter("ignore", DeprecationWarning)
        for name, argument in instructions(source):
            _step(machine, name, argument)
    return machine.pop()


def _step(machine: _Machine, name: str, argument: Any) -> None:
    if name in _LITERALS:
        machine.stack.append(argument)
    elif name in _WITHOUT_ARGUMENT:
        _WITHOUT_ARGUMENT[name](machine)
    elif name in _WITH_ARGUMENT:
        _WITH_ARGUMENT[name](machine, argument)
    elif name not in _WITHOUT_EFFECT:
        raise _other_objects(name, argument)
