"""Searched parameters: ranges of numbers, ranges of whole numbers, and choices."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from pydantic import ConfigDict, Field, field_validator, model_validator

from causalmer_core.basics.errors import invalid
from causalmer_core.basics.validation import LARGEST_WHOLE, Frozen

Value = bool | int | float | str
"""The value of a parameter."""

ColumnType = Literal["float", "int", "string", "bool"]
"""The type of a parameter's column in the tables of results."""


class FloatInterval(NamedTuple):
    """The numbers from `low` to `high`, both included.

    Attributes:
        low: the lowest number.
        high: the highest number, which is on the grid of steps.
        log: evenly distributed over orders of magnitude.
        step: the distance between numbers; `None`: a continuum.
    """

    low: float
    high: float
    log: bool
    step: float | None


class IntInterval(NamedTuple):
    """The whole numbers from `low` to `high`, both included.

    Attributes:
        low: the lowest number.
        high: the highest number, which is on the grid of steps.
        log: evenly distributed over orders of magnitude.
        step: the distance between numbers.
    """

    low: int
    high: int
    log: bool
    step: int


class Options(NamedTuple):
    """Several values without an order, each equally likely."""

    choices: tuple[Value, ...]


Distribution = FloatInterval | IntInterval | Options
"""The values of a searched parameter, described for a sampler of any library."""


class Conditional(Frozen):
    """An entry of the space that may be absent beside some values of other entries.

    Attributes:
        when: makes it conditional: it is present only where each parameter named here is present and has one of the
            values listed. Empty (default): always present.
    """

    model_config = ConfigDict(populate_by_name=True)

    when: dict[str, tuple[Value, ...]] = Field(default_factory=dict)


class Parameter(Conditional, ABC):
    """Abstract: a parameter with values of its own."""

    @abstractmethod
    def contains(self, value: Any) -> bool:
        """Whether the parameter can take this value."""

    @abstractmethod
    def count(self) -> int | None:
        """The number of values that the parameter can take; `None` for a continuum."""

    @abstractmethod
    def corners(self) -> tuple[Value, ...]:
        """The values that are checked in place of all: the ends of a range, each option of a choice."""

    @abstractmethod
    def options_in_order(self) -> Iterable[Value]:
        """All values of a finite parameter, in order."""

    @abstractmethod
    def described(self) -> str:
        """The values in words, for messages."""

    @property
    @abstractmethod
    def column_type(self) -> ColumnType:
        """The type of the parameter's column in tables."""


class SearchedParameter(Parameter, ABC):
    """Abstract: a parameter that the search chooses a value for."""

    @abstractmethod
    def at(self, u: float) -> Value:
        """The value at a share of the parameter's values.

        Numbers rise with `u`, evenly or, with `log`, evenly over orders of magnitude. Steps and options have equal
        shares, in order. For uniformly distributed `u` the value is a random draw.

        Args:
            u: the share, from 0 (included) to 1 (excluded).
        """

    @abstractmethod
    def distribution(self) -> Distribution:
        """The values as a sampler needs them."""

    @abstractmethod
    def canonical(self, value: Any) -> Value:
        """A contained value as `at` returns it: equal values are then equal bit for bit."""


def _range_rules(log: dict[str, Any], stepped: dict[str, Any]) -> dict[str, Any]:
    """Rules of a range in JSON schema: `log` conditions for `log: true`, and no step beside it."""
    is_log = {"required": ["log"], "properties": {"log": {"const": True}}}
    has_step = {"required": ["step"], "properties": {"step": stepped}}
    return {"allOf": [{"not": {"allOf": [is_log, has_step]}}, {"if": is_log, "then": {"properties": log}}]}


class FloatRange(SearchedParameter):
    """Numbers from the first to the second bound, both included.

    Attributes:
        bounds: lowest and highest, `float: [low, high]` in YAML.
        log: spread evenly over orders of magnitude (default false); the lowest must be above 0.
        step: only `low + k * step`; by default a continuum. Not together with `log`.
    """

    model_config = ConfigDict(
        json_schema_extra=_range_rules(
            {"float": {"items": {"exclusiveMinimum": 0}}}, {"exclusiveMinimum": 0, "type": "number"}
        )
    )

    bounds: tuple[float, float] = Field(alias="float")
    log: bool = False
    step: float | None = Field(default=None, gt=0.0)

    @model_validator(mode="after")
    def _possible(self) -> FloatRange:
        _check_range(self.bounds, self.step, above_zero=self.log)
        if self.log and self.step is not None:
            raise invalid("log and step exclude each other", "one of log and step")
        return self

    def at(self, u: float) -> float:
        if self.step is not None:
            return self._on_grid(_index(u, self._steps() + 1))
        low, high = self.bounds
        value = _log_between(low, high, u) if self.log else low + u * (high - low)
        return min(max(value, low), high)  # rounding may carry the value past an end

    def distribution(self) -> FloatInterval:
        return FloatInterval(self.bounds[0], self._highest(), self.log, self.step)

    def contains(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if not self.bounds[0] <= value <= self.bounds[1]:
            return False
        if self.step is None:
            return True
        steps = (value - self.bounds[0]) / self.step
        return abs(steps - round(steps)) < 1e-8  # the same tolerance as in optuna.distributions

    def canonical(self, value: Any) -> float:
        if self.step is None:
            return float(value)
        return self._on_grid(round((value - self.bounds[0]) / self.step))

    def count(self) -> int | None:
        if self.bounds[0] == self.bounds[1]:
            return 1
        return None if self.step is None else self._steps() + 1

    def options_in_order(self) -> Iterable[float]:
        return [self.bounds[0]] if self.count() == 1 else map(self._on_grid, range(self._steps() + 1))

    def corners(self) -> tuple[Value, ...]:
        return (self.bounds[0], self._highest())

    def described(self) -> str:
        return f"{self.bounds[0]} to {self.bounds[1]}" + (f" in steps of {self.step}" if self.step else "")

    @property
    def column_type(self) -> ColumnType:
        return "float"

    def _highest(self) -> float:
        return self.bounds[1] if self.step is None else self._on_grid(self._steps())

    def _steps(self) -> int:
        low, high = (Decimal(str(bound)) for bound in self.bounds)
        return int((high - low) // Decimal(str(self.step)))

    def _on_grid(self, steps: int) -> float:
        # In decimals 0.1 * 3 is 0.3, so that equal configurations have one identity.
        return float(Decimal(str(self.bounds[0])) + steps * Decimal(str(self.step)))


class IntRange(SearchedParameter):
    """Whole numbers from the first to the second bound, both included.

    Attributes:
        bounds: lowest and highest, `int: [low, high]` in YAML.
        log: spread evenly over orders of magnitude (default false); the lowest must be 1 or more.
        step: only `low + k * step` (default 1). Not together with `log`.
    """

    model_config = ConfigDict(
        json_schema_extra=_range_rules({"int": {"items": {"minimum": 1}}}, {"minimum": 2})
    )

    bounds: tuple[int, int] = Field(alias="int")
    log: bool = False
    step: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _possible(self) -> IntRange:
        _check_range(self.bounds, self.step if self.step > 1 else None, above_zero=self.log)
        if self.log and self.step != 1:
            raise invalid("log and step exclude each other", "one of log and step")
        return self

    def values(self) -> range:
        """All values, in ascending order."""
        return range(self.bounds[0], self.bounds[1] + 1, self.step)

    def at(self, u: float) -> int:
        values = self.values()
        if not self.log:
            return values[_index(u, len(values))]
        # Each whole number has the share of the range that rounds to it, as in Optuna.
        value = round(_log_between(values[0] - 0.5, values[-1] + 0.5, u))
        return min(max(value, values[0]), values[-1])

    def distribution(self) -> IntInterval:
        values = self.values()
        return IntInterval(values[0], values[-1], self.log, self.step)

    def contains(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value in self.values()

    def canonical(self, value: Any) -> int:
        return int(value)

    def count(self) -> int:
        return (self.bounds[1] - self.bounds[0]) // self.step + 1  # len() of a range is limited to int64

    def options_in_order(self) -> Iterable[int]:
        return self.values()

    def corners(self) -> tuple[Value, ...]:
        return (self.values()[0], self.values()[-1])

    def described(self) -> str:
        return f"{self.bounds[0]} to {self.bounds[1]}" + (
            f" in steps of {self.step}" if self.step > 1 else ""
        )

    @property
    def column_type(self) -> ColumnType:
        return "int"


class Choice(SearchedParameter):
    """One of several values, all text, all true/false, or all numbers; a single one is a constant.

    Attributes:
        options: the values, `choice: [a, b]` in YAML, each once. Whole numbers among others become numbers.
    """

    options: tuple[Value, ...] = Field(
        alias="choice",
        json_schema_extra={
            "minItems": 1,
            "uniqueItems": True,
            "anyOf": [{"items": {"type": kind}} for kind in ("string", "boolean", "number")],
        },
    )

    @field_validator("options")
    @classmethod
    def _one_kind(cls, options: tuple[Value, ...]) -> tuple[Value, ...]:
        kinds = {type(option) for option in options}
        if not kinds:
            raise invalid("there is nothing to choose from", "one option or more")
        if kinds == {int, float}:
            options = tuple(float(option) for option in options)
        elif len(kinds) > 1:
            raise invalid("the options are of different types", "all text, all true/false, or all numbers")
        if len(set(options)) < len(options):
            raise invalid("an option is given twice", "each option once")
        return options

    def at(self, u: float) -> Value:
        return self.options[_index(u, len(self.options))]

    def distribution(self) -> Options:
        return Options(self.options)

    def contains(self, value: Any) -> bool:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number and isinstance(self.options[0], float):
            return value in self.options
        return type(value) is type(self.options[0]) and value in self.options

    def canonical(self, value: Any) -> Value:
        return self.options[self.options.index(value)]

    def count(self) -> int:
        return len(self.options)

    def options_in_order(self) -> Iterable[Value]:
        return self.options

    def corners(self) -> tuple[Value, ...]:
        return self.options

    def described(self) -> str:
        return ", ".join(map(str, self.options))

    @property
    def column_type(self) -> ColumnType:
        return type_of(self.options[0])


def type_of(value: Value) -> ColumnType:
    """The type of a column with such values."""
    names: dict[type, ColumnType] = {str: "string", bool: "bool", int: "int", float: "float"}
    return names[type(value)]


def _index(u: float, count: int) -> int:
    """The number of the value at share `u`, where `count` values have equal shares."""
    return min(int(u * count), count - 1)


def _log_between(low: float, high: float, u: float) -> float:
    return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))


def _check_range(bounds: tuple[float, float], step: float | None, *, above_zero: bool) -> None:
    low, high = bounds
    if not math.isfinite(float(high) - float(low)):
        raise invalid("the range is wider than the largest number", "bounds whose difference is finite")
    if low > high:
        raise invalid(f"the lowest, {low}, is above the highest, {high}", "[low, high] with low <= high")
    if above_zero and low <= 0:
        raise invalid(f"a logarithmic range cannot start at {low}", "low above 0, or log: false")
    width = Decimal(str(high)) - Decimal(str(low))
    if step is not None and Decimal(str(step)) > width:
        raise invalid(f"the step, {step}, is larger than the range", f"a step up to {width}")
    if step is not None and Decimal(str(step)) * LARGEST_WHOLE < width:
        raise invalid(f"the range has too many steps of {step}", f"at most {LARGEST_WHOLE} steps")
