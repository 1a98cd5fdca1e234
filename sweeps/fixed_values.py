"""Entries of a search space that are not searched: constants, and references to other values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import Field

from sweeps.parameters import ColumnType, Conditional, Parameter, Suggester, Value, type_of


class Constant(Parameter):
    """One value that is not searched, as if it stood in `base`; but it may be conditional.

    Attributes:
        value: the value, `constant: a` in YAML.
    """

    value: Value = Field(alias="constant")

    def suggest(self, trial: Suggester, path: str) -> Value:
        return self.value

    def contains(self, value: Any) -> bool:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        same_type = type(value) is type(self.value) or (is_number and isinstance(self.value, float))
        return same_type and bool(value == self.value)

    def canonical(self, value: Any) -> Value:
        return self.value

    def count(self) -> int:
        return 1

    def options_in_order(self) -> tuple[Value, ...]:
        return (self.value,)

    def corners(self) -> tuple[Value, ...]:
        return (self.value,)

    def described(self) -> str:
        return f"constant {self.value}"

    @property
    def column_type(self) -> ColumnType:
        return type_of(self.value)


class Reference(Conditional):
    """A value that follows another one and is not searched itself; absent where the other one is.

    Attributes:
        same_as: the dotted path of another entry of the space, or of a value of the fixed part.
        times: a factor on it, for numbers; none (default): the value as it is. A whole number keeps whole numbers
            whole.
    """

    same_as: str = Field(min_length=1)
    times: int | float | None = None

    def of(self, value: Value) -> Value:
        """The value that follows from the other one; products in decimals, so that 0.1 times 3 is 0.3."""
        if self.times is None or isinstance(value, str | bool):
            return value
        if isinstance(value, int) and isinstance(self.times, int):
            return value * self.times
        return float(Decimal(str(value)) * Decimal(str(self.times)))

    def count(self) -> int:
        """The number of values it adds to the space: it has none of its own."""
        return 1

    def described(self) -> str:
        """What it follows, for a reader."""
        return f"same as {self.same_as}" + ("" if self.times is None else f" times {self.times}")

    def type_beside(self, other: ColumnType) -> ColumnType:
        """The type of its column, where the column of the value it follows has the type `other`."""
        return "float" if other == "int" and isinstance(self.times, float) else other
