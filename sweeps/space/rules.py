"""Rules between entries of a search space: conditions and references must be consistent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from pydantic_core import PydanticCustomError

from causalmer_core.basics.errors import KeyPath, did_you_mean, invalid
from sweeps.space.entries import Entry, Reference
from sweeps.space.parameters import FloatRange, Value

Entries = Mapping[str, Entry]
RuleProblem = tuple[KeyPath, PydanticCustomError]


def dependency_order(entries: Entries) -> tuple[str, ...]:
    """All paths: each after the paths that it depends on, else in alphabetical order.

    Raises:
        CycleError: entries depend on each other in a circle.
    """
    graph: TopologicalSorter[str] = TopologicalSorter()
    for path in sorted(entries):
        graph.add(path, *sorted({*entries[path].when, *_followed(entries, path)}))
    return tuple(graph.static_order())


def requirements(entries: Entries, path: str) -> dict[str, tuple[Value, ...]]:
    """The values that other entries must have for this one to be present, with the conditions of its parents."""
    needed: dict[str, tuple[Value, ...]] = {}
    pending, seen = [path], {path}
    while pending:
        entry = pending.pop()
        for parent, allowed in entries[entry].when.items():
            needed[parent] = tuple(value for value in needed.get(parent, allowed) if value in allowed)
        above = {*entries[entry].when, *_followed(entries, entry)} - seen
        pending += sorted(above)
        seen |= above
    return needed


def rule_problems(entries: Entries) -> list[RuleProblem]:
    """Broken rules, each with the keys of its place."""
    # Later checks assume that earlier ones passed: an order of dependencies needs parents that exist.
    unknown = [*_condition_problems(entries), *_reference_problems(entries)]
    return unknown or [*_cycles(entries)] or [*_factor_problems(entries), *_never_present(entries)]


def _followed(entries: Entries, path: str) -> tuple[str, ...]:
    """The path that a reference follows, if the space has it."""
    entry = entries[path]
    return (entry.same_as,) if isinstance(entry, Reference) and entry.same_as in entries else ()


def _condition_problems(entries: Entries) -> Iterator[RuleProblem]:
    for path, entry in entries.items():
        for parent, allowed in entry.when.items():
            problem = _condition_problem(entries, path, parent, allowed)
            if problem:
                yield (path, "when", parent), problem


def _condition_problem(
    entries: Entries, path: str, parent: str, allowed: Sequence[Value]
) -> PydanticCustomError | None:
    if parent not in entries:
        names = sorted(set(entries) - {path})
        hint = did_you_mean(parent, names)
        return invalid(
            f"{parent!r} is not in the space", f"other searched parameters: {', '.join(names)}{hint}"
        )
    on = entries[parent]
    if isinstance(on, FloatRange):
        return invalid(
            f"{parent!r} is a range of numbers", "conditions on a choice or a range of whole numbers"
        )
    if isinstance(on, Reference):
        return invalid(f"{parent!r} only follows {on.same_as!r}", f"conditions on {on.same_as}")
    impossible = [value for value in allowed if not on.contains(value)]
    if impossible or not allowed:
        return invalid(f"{parent!r} never has such a value", on.described())
    return None


def _reference_problems(entries: Entries) -> Iterator[RuleProblem]:
    for path, entry in entries.items():
        if isinstance(entry, Reference) and entry.same_as == path:
            yield (path, "same_as"), invalid("a reference to itself", "another path")


def _cycles(entries: Entries) -> Iterator[RuleProblem]:
    try:
        dependency_order(entries)
    except CycleError as error:
        cycle = list(reversed(error.args[1]))
        links = list(pairwise(cycle))
        follows = [parent in _followed(entries, path) for path, parent in links]
        kind = "references" if all(follows) else "conditions and references" if any(follows) else "conditions"
        what = f"{kind} form a circle: {' depends on '.join(cycle)}"
        key = "same_as" if follows[0] else "when"
        yield (cycle[0], key), invalid(what, f"{kind} without a circle")


def _factor_problems(entries: Entries) -> Iterator[RuleProblem]:
    for path, entry in entries.items():
        if (
            isinstance(entry, Reference)
            and entry.times is not None
            and not _is_number(entries, entry.same_as)
        ):
            yield (path, "times"), invalid(f"{entry.same_as!r} is not a number", "a factor on numbers only")


def _is_number(entries: Entries, path: str) -> bool:
    """Whether an entry has numbers. Paths outside the space pass: the check of the fixed part decides."""
    entry = entries.get(path)
    if isinstance(entry, Reference):
        return _is_number(entries, entry.same_as)
    return entry is None or entry.column_type in ("int", "float")


def _never_present(entries: Entries) -> Iterator[RuleProblem]:
    for path in entries:
        clashing = [parent for parent, allowed in requirements(entries, path).items() if not allowed]
        if clashing:
            what = f"can never be present: its conditions on {clashing[0]!r} exclude each other"
            yield (path, "when"), invalid(what, "conditions that can hold together")
