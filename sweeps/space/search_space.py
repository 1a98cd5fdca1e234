"""The search space: entries by dotted path, and the points that they allow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import Any

from pydantic import ConfigDict, RootModel, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from causalmer_core.config.run_config import RunConfig
from sweeps.space.entries import Constant, Entry, Reference
from sweeps.space.parameters import ColumnType, SearchedParameter, Value
from sweeps.space.rules import dependency_order, requirements, rule_problems

_OTHER = object()
"""A placeholder for every value of a parameter that no condition names."""


class OutsideSpaceError(ValueError):
    """A point lies outside the space.

    Attributes:
        path: the parameter with the wrong value.
        what: what is wrong with the value.
        allowed: values that the space has.
    """

    def __init__(self, path: str, what: str, allowed: str) -> None:
        super().__init__(f"{path}: {what}; allowed {allowed}")
        self.path = path
        self.what = what
        self.allowed = allowed


class SearchSpace(RootModel[dict[str, Entry]]):
    """Entries by their dotted paths in `RunConfig`; an empty space has a single configuration.

    The order of entries in a file has no effect: `paths` has an order of its own, so two files that differ in
    order only lead to equal proposals.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    root: dict[str, Entry] = {}

    @model_validator(mode="after")
    def _holds_together(self) -> SearchSpace:
        problems = rule_problems(self.root)
        if problems:
            raise ValidationError.from_exception_data(
                "SearchSpace",
                [InitErrorDetails(type=kind, loc=loc, input=None) for loc, kind in problems],
            )
        return self

    def __len__(self) -> int:
        return len(self.root)

    def __contains__(self, path: object) -> bool:
        return path in self.root

    def __getitem__(self, path: str) -> Entry:
        return self.root[path]

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths: each after the paths that it depends on, else in alphabetical order."""
        return dependency_order(self.root)

    @property
    def free_paths(self) -> tuple[str, ...]:
        """The paths of all entries except constants."""
        return tuple(path for path in self.paths if not isinstance(self.root[path], Constant))

    @property
    def searched_paths(self) -> tuple[str, ...]:
        """The paths of searched parameters: no constants, no references."""
        return tuple(path for path in self.paths if isinstance(self.root[path], SearchedParameter))

    def bound(self, config: RunConfig) -> SearchSpace:
        """The space with each reference to the fixed part replaced by the constant that it amounts to.

        Args:
            config: the fixed part.

        Raises:
            KeyError: neither the space nor the fixed part has the path of a reference.
        """
        bound: dict[str, Entry] = {}
        for path, entry in self.root.items():
            if isinstance(entry, Reference) and entry.same_as not in self.root:
                value = entry.of(config.value(entry.same_as))
                bound[path] = Constant(value=value, when=entry.when)
            else:
                bound[path] = entry
        return SearchSpace(bound)

    def values(self, pick: Callable[[str, SearchedParameter], Value]) -> dict[str, Value]:
        """A value for each entry that is present; absent conditional entries are missing.

        Args:
            pick: the value of a searched parameter, from its path and the parameter. It is called for the present
                ones alone, in the order of `paths`.
        """
        values: dict[str, Value] = {}
        for path in self.paths:
            entry = self.root[path]
            if not self.is_present(path, values):
                continue
            if isinstance(entry, Reference):
                values[path] = entry.of(values[entry.same_as])
            elif isinstance(entry, Constant):
                values[path] = entry.value
            else:
                values[path] = pick(path, entry)
        return values

    def is_present(self, path: str, values: Mapping[str, Any]) -> bool:
        """Whether an entry is present beside the values of the entries that it depends on."""
        entry = self.root[path]
        if isinstance(entry, Reference) and entry.same_as not in values:
            return False
        return all(parent in values and values[parent] in allowed for parent, allowed in entry.when.items())

    def requirements(self, path: str) -> dict[str, tuple[Value, ...]]:
        """The values that other entries must have for this one to be present, with the conditions of its parents."""
        return requirements(self.root, path)

    def corners(self, path: str) -> tuple[Value, ...]:
        """The values of an entry that are checked in place of all."""
        entry = self.root[path]
        if isinstance(entry, Reference):
            return tuple(entry.of(value) for value in self.corners(entry.same_as))
        return entry.corners()

    def column_types(self) -> dict[str, ColumnType]:
        """The types of the columns in tables, by path."""
        return {path: self._column_type(path) for path in self.paths}

    def size(self) -> int | None:
        """The number of distinct configurations; `None` if a parameter is a continuum, 1 for an empty space."""
        if any(entry.count() is None for entry in self.root.values()):
            return None
        return prod(self._count(group, {}) for group in self._independent_groups())

    def grid(self) -> Iterator[dict[str, Value]]:
        """Every configuration of a finite space.

        Entries follow the order of `paths`, and the last one varies fastest.
        """
        yield from self._grid(self.paths, {})

    def default_point(self, config: RunConfig) -> dict[str, Value] | None:
        """The values of `config` as a point; `None` if one of them lies outside the space."""
        try:
            values = self.point(config, {})
        except OutsideSpaceError:
            return None
        fixed = [path for path in values if path not in self.searched_paths]
        return values if all(_equal(values[path], _value(config, path)) for path in fixed) else None

    def point(self, config: RunConfig, given: Mapping[str, Value]) -> dict[str, Value]:
        """The point with the given values.

        Args:
            config: the source of the values that are not given.
            given: values of searched parameters, by path.

        Raises:
            OutsideSpaceError: a value lies outside the space, or is given for an entry that is absent or not searched.
        """
        for path in given:
            self._check_searched(path)
        values: dict[str, Value] = {}
        for path in self.paths:
            if self.is_present(path, values):
                values[path] = self._value_at(path, config, given, values)
            elif path in given:
                raise OutsideSpaceError(
                    path, "is absent beside the other values", _conditions(self.root[path])
                )
        return values

    def constants_beside(self, config: RunConfig) -> dict[str, Value]:
        """The constants that are present beside the values of `config`."""
        values: dict[str, Value] = {}
        for path in self.paths:
            entry = self.root[path]
            if self.is_present(path, values):
                value = entry.value if isinstance(entry, Constant) else _value(config, path)
                values |= {} if value is None else {path: value}
        return {path: value for path, value in values.items() if isinstance(self.root[path], Constant)}

    def _check_searched(self, path: str) -> None:
        if path not in self.root:
            raise OutsideSpaceError(path, "is not in the space", ", ".join(self.searched_paths) or "no path")
        if path not in self.searched_paths:
            what = f"is not searched ({self.root[path].described()})"
            raise OutsideSpaceError(path, what, "to leave it out")

    def _value_at(
        self, path: str, config: RunConfig, given: Mapping[str, Value], before: Mapping[str, Value]
    ) -> Value:
        entry = self.root[path]
        if isinstance(entry, Reference):
            return entry.of(before[entry.same_as])
        if isinstance(entry, Constant):
            return entry.value
        value = given.get(path, _value(config, path))
        if value is None or not entry.contains(value):
            what = "lies outside the space" + ("" if path in given else f", where nothing is given: {value}")
            raise OutsideSpaceError(path, what, entry.described())
        return entry.canonical(value)

    def _column_type(self, path: str) -> ColumnType:
        entry = self.root[path]
        if isinstance(entry, Reference):
            return entry.type_beside(self._column_type(entry.same_as))
        return entry.column_type

    def _grid(self, paths: Sequence[str], values: dict[str, Value]) -> Iterator[dict[str, Value]]:
        if not paths:
            yield values
            return
        path, rest = paths[0], paths[1:]
        if not self.is_present(path, values):
            yield from self._grid(rest, values)
            return
        entry = self.root[path]
        options = (
            [entry.of(values[entry.same_as])] if isinstance(entry, Reference) else entry.options_in_order()
        )
        for value in options:
            yield from self._grid(rest, {**values, path: value})

    def _count(self, paths: Sequence[str], values: Mapping[str, Any]) -> int:
        """The number of configurations of `paths`, parents first, beside the values of earlier paths."""
        if not paths:
            return 1
        path, rest = paths[0], paths[1:]
        if not self.is_present(path, values):
            return self._count(rest, values)
        # Values that no condition names all have the same descendants, so they are counted together.
        named = {value for other in self.root.values() for value in other.when.get(path, ())}
        others = (self.root[path].count() or 0) - len(named)
        total = sum(self._count(rest, {**values, path: value}) for value in sorted(named, key=str))
        return total + (others * self._count(rest, {**values, path: _OTHER}) if others else 0)

    def _independent_groups(self) -> list[list[str]]:
        """Groups of paths without conditions between groups, parents first: their counts multiply."""
        groups: list[list[str]] = []
        for path in self.searched_paths:
            tied = [group for group in groups if set(group) & set(self.root[path].when)]
            groups = [group for group in groups if group not in tied]
            groups.append([*(member for group in tied for member in group), path])
        return groups


def _value(config: RunConfig, path: str) -> Any:
    """The value of a configuration; `None` for a path that it lacks."""
    try:
        return config.value(path)
    except KeyError:
        return None


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are equal up to rounding in the last digits."""
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-12)
    return bool(one == other)


def _conditions(entry: Entry) -> str:
    """The conditions of an entry in words, for messages."""
    return "only beside " + ", ".join(
        f"{parent}: {' or '.join(map(str, allowed))}" for parent, allowed in entry.when.items()
    )
