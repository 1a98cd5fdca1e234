"""Entries of a search space that are not searched: constants and references."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from sweeps.space.parameters import (
    Choice,
    ColumnType,
    Conditional,
    FloatRange,
    IntRange,
    Parameter,
    Value,
    type_of,
)


class Constant(Parameter):
    """One value that is not searched, as in `base`, but possibly conditional.

    Attributes:
        value: the value, `constant: a` in YAML.
    """

    value: Value = Field(alias="constant")

    def contains(self, value: Any) -> bool:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        same_type = type(value) is type(self.value) or (is_number and isinstance(self.value, float))
        return same_type and bool(value == self.value)

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
    """A value that follows another one, times a factor if given; absent where the other one is absent.

    Attributes:
        same_as: the dotted path of another entry of the space, or of a value of the fixed part.
        times: a factor on a followed number; by default the number itself. A whole factor keeps whole numbers whole.
    """

    same_as: str = Field(min_length=1)
    times: int | float | None = None

    def of(self, value: Value) -> Value:
        """The value of the reference where the followed entry has `value`."""
        if self.times is None or isinstance(value, str | bool):
            return value
        if isinstance(value, int) and isinstance(self.times, int):
            return value * self.times
        # A product of decimals: 0.1 times 3 is 0.3, as a person would write it.
        return float(Decimal(str(value)) * Decimal(str(self.times)))

    def count(self) -> int:
        """1, because a reference has no values of its own."""
        return 1

    def described(self) -> str:
        """The followed entry and the factor in words, for messages."""
        return f"same as {self.same_as}" + ("" if self.times is None else f" times {self.times}")

    def type_beside(self, other: ColumnType) -> ColumnType:
        """The type of the reference's column where the followed column has the type `other`."""
        return "float" if other == "int" and isinstance(self.times, float) else other


def _kind(value: Any) -> str | None:
    """The name of the class whose key a mapping has; `None` without such a key."""
    if isinstance(value, Conditional):
        return type(value).__name__
    kinds = {
        "float": "FloatRange",
        "int": "IntRange",
        "choice": "Choice",
        "constant": "Constant",
        "same_as": "Reference",
    }
    present = [name for key, name in kinds.items() if isinstance(value, dict) and key in value]
    return present[0] if present else None


Entry = Annotated[
    Annotated[FloatRange, Tag("FloatRange")]
    | Annotated[IntRange, Tag("IntRange")]
    | Annotated[Choice, Tag("Choice")]
    | Annotated[Constant, Tag("Constant")]
    | Annotated[Reference, Tag("Reference")],
    Discriminator(
        _kind,
        custom_error_type="invalid",
        custom_error_message="{what}; allowed {allowed}",
        custom_error_context={
            "what": "not a parameter",
            "allowed": "{float: [low, high]}, {int: [low, high]}, {choice: [a, b]}, {constant: a} or "
            "{same_as: path}, with log, step, times, when where they fit",
        },
    ),
]
"""An entry of a search space. Its key decides its class."""
