"""Keys of a sweep's file that were renamed.

An old key in a user's file is an error that names the new key. An earlier version may have written the copy in a
sweep's folder, so the copy is read with its keys renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sweeps.spec.problems import Problem, dotted, shown


@dataclass(frozen=True, slots=True)
class Renamed:
    """A key that was renamed.

    Attributes:
        old: the old key.
        new: the last part of the new key.
        values: the new names of renamed values, by their old names.
    """

    old: tuple[str, ...]
    new: str
    values: Mapping[str, str] = field(default_factory=dict)


RENAMED = (
    Renamed(("fidelity",), "method", {"mended": "corrected", "paper": "published"}),
    Renamed(("evaluation", "removals"), "ablations"),
)


def renamed_problems(tree: Mapping[str, Any]) -> Iterator[Problem]:
    """A problem for each old key of a user's file, with the new key and value."""
    for renamed in RENAMED:
        *above, old = renamed.old
        section = _section(tree, above)
        if section is not None and old in section:
            value = section[old]
            now = renamed.values.get(value, value) if isinstance(value, str) else value
            new = dotted((*above, renamed.new))
            yield Problem(renamed.old, f"is now called {new}", shown(value), f"{new}: {shown(now)}")


def with_new_keys(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The tree of a copy that an earlier version wrote, with the new keys and values."""
    upgraded = dict(tree)
    for renamed in RENAMED:
        *above, old = renamed.old
        section = upgraded
        for key in above:
            section[key] = dict(section.get(key) or {})
            section = section[key]
        if old in section:
            value = section.pop(old)
            section[renamed.new] = renamed.values.get(value, value) if isinstance(value, str) else value
    return upgraded


def _section(tree: Mapping[str, Any], above: list[str]) -> Mapping[str, Any] | None:
    node: Any = tree
    for key in above:
        node = node.get(key) if isinstance(node, Mapping) else None
    return node if isinstance(node, Mapping) else None
