"""The search space: which parameters are searched, over which values, and which exist only beside others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from math import prod
from typing import Any

from pydantic import ConfigDict, RootModel, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from causalmer_core.config import RunConfig
from causalmer_core.errors import did_you_mean, invalid
from sweeps.parameters import AnyParameter, ColumnType, FloatRange, Suggester, Value
from sweeps.problems import KeyPath

_OTHER = object()
"""Stands for any value of a parameter that no condition names."""


class SearchSpace(RootModel[dict[str, AnyParameter]]):
    """Searched parameters by their dotted paths in `RunConfig`; empty means a single configuration.

    The order in which the file lists them has no meaning: `paths` puts parents of conditional parameters
    first and sorts the others by name, so that two files that differ in order propose the same.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    root: dict[str, AnyParameter] = {}

    @model_validator(mode="after")
    def _conditions_hold_together(self) -> SearchSpace:
        problems = [*self._unknown_conditions()] or [*self._cycles()] or [*self._never_present()]
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

    def __getitem__(self, path: str) -> AnyParameter:
        return self.root[path]

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths, a conditional parameter after those it depends on, else in alphabetical order."""
        graph: TopologicalSorter[str] = TopologicalSorter()
        for path in sorted(self.root):
            graph.add(path, *sorted(self.root[path].when))
        return tuple(graph.static_order())

    def suggest(self, trial: Suggester) -> dict[str, Value]:
        """A proposal: a value for each parameter that is present; absent conditional ones are not in it."""
        values: dict[str, Value] = {}
        for path in self.paths:
            if self.is_present(path, values):
                values[path] = self.root[path].suggest(trial, path)
        return values

    def is_present(self, path: str, values: Mapping[str, Any]) -> bool:
        """Whether a parameter is present beside these values of those it depends on."""
        conditions = self.root[path].when
        return all(parent in values and values[parent] in allowed for parent, allowed in conditions.items())

    def requirements(self, path: str) -> dict[str, tuple[Value, ...]]:
        """What the parameters above this one must be for it to be present: all conditions on the way up."""
        needed: dict[str, tuple[Value, ...]] = {}
        pending, seen = [path], {path}
        while pending:
            for parent, allowed in self.root[pending.pop()].when.items():
                needed[parent] = tuple(value for value in needed.get(parent, allowed) if value in allowed)
                pending += {parent} - seen
                seen.add(parent)
        return needed

    def column_types(self) -> dict[str, ColumnType]:
        """The type of each parameter's column in tables, by path."""
        return {path: self.root[path].column_type for path in self.paths}

    def size(self) -> int | None:
        """The number of distinct configurations, or none if a parameter is a continuum; 1 for an empty space."""
        if any(parameter.count() is None for parameter in self.root.values()):
            return None
        return prod(self._count(group, {}) for group in self._independent_groups())

    def default_point(self, config: RunConfig) -> dict[str, Value] | None:
        """The values of `config` as a proposal, or none if one of them lies outside the space."""
        values: dict[str, Value] = {}
        for path in self.paths:
            if not self.is_present(path, values):
                continue
            try:
                value = config.value(path)
            except KeyError:
                return None
            if not self.root[path].contains(value):
                return None
            values[path] = self.root[path].canonical(value)
        return values

    def _count(self, paths: Sequence[str], values: Mapping[str, Any]) -> int:
        """Configurations of `paths` (parents first) beside values of those before them."""
        if not paths:
            return 1
        path, rest = paths[0], paths[1:]
        if not self.is_present(path, values):
            return self._count(rest, values)
        named = {value for other in self.root.values() for value in other.when.get(path, ())}
        others = (self.root[path].count() or 0) - len(named)
        total = sum(self._count(rest, {**values, path: value}) for value in sorted(named, key=str))
        return total + (others * self._count(rest, {**values, path: _OTHER}) if others else 0)

    def _independent_groups(self) -> list[list[str]]:
        """Paths that conditions tie together, each group with parents first; groups multiply."""
        groups: list[list[str]] = []
        for path in self.paths:
            tied = [group for group in groups if set(group) & set(self.root[path].when)]
            groups = [group for group in groups if group not in tied]
            groups.append([*(member for group in tied for member in group), path])
        return groups

    def _unknown_conditions(self) -> Iterator[tuple[KeyPath, PydanticCustomError]]:
        for path, parameter in self.root.items():
            for parent, allowed in parameter.when.items():
                problem = self._condition_problem(path, parent, allowed)
                if problem:
                    yield (path, "when", parent), problem

    def _condition_problem(
        self, path: str, parent: str, allowed: Sequence[Value]
    ) -> PydanticCustomError | None:
        if parent not in self.root:
            names = sorted(set(self.root) - {path})
            hint = did_you_mean(parent, names)
            return invalid(
                f"{parent!r} is not in the space", f"other searched parameters: {', '.join(names)}{hint}"
            )
        on = self.root[parent]
        if isinstance(on, FloatRange):
            return invalid(
                f"{parent!r} is a range of numbers", "conditions on a choice or a range of whole numbers"
            )
        impossible = [value for value in allowed if not on.contains(value)]
        if impossible or not allowed:
            return invalid(f"{parent!r} never has such a value", on.described())
        return None

    def _cycles(self) -> Iterator[tuple[KeyPath, PydanticCustomError]]:
        try:
            _ = self.paths
        except CycleError as error:
            cycle = list(reversed(error.args[1]))
            what = f"conditions go in a circle: {' depends on '.join(cycle)}"
            yield (cycle[0], "when"), invalid(what, "conditions without a circle")

    def _never_present(self) -> Iterator[tuple[KeyPath, PydanticCustomError]]:
        for path in self.root:
            clashing = [parent for parent, allowed in self.requirements(path).items() if not allowed]
            if clashing:
                what = f"can never be present: its conditions on {clashing[0]!r} exclude each other"
                yield (path, "when"), invalid(what, "conditions that can hold together")
