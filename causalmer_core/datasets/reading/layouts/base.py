"""What a layout is: the keys under which a file of the field holds features, labels, ids and lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from causalmer_core.basics.errors import UserError, did_you_mean, unknown_name
from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.task import TaskKind

SPLITS = ("train", "valid", "test")
SPLIT_NAMES = {"train": ("train",), "valid": ("valid", "dev", "val"), "test": ("test",)}
"""How files call the splits."""

LABELS = "labels"
IDS = "ids"
LENGTHS = {modality: f"{modality.value}_lengths" for modality in MODALITIES}
REQUIRED = (*(m.value for m in MODALITIES), LABELS)
ROLES = (*REQUIRED, IDS, *LENGTHS.values())
"""What an array can be taken as."""

NOTHING = "none"
"""In the place of a key: no array is taken as ids or as lengths."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds, unread where it is large.

    Attributes:
        path: the file or folder.
        splits: under our names of the splits, the values by key.
        others: what lies beside the splits.
    """

    path: Path
    splits: Mapping[str, Mapping[str, object]]
    others: tuple[str, ...] = ()

    def where(self, split: str, key: str) -> str:
        """The beginning of a message about a value."""
        return f"{self.path}: {split}: {key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to lay out a data set.

    Attributes:
        name: what `--layout` calls it.
        needs: what a file in it has, in one line.
        open: reads a file.
        keys: by role, the keys that a split of these values uses, for a task or for the layout's own.
        marked: whether a split has something that only this layout has.
        kind: the task, where the layout settles it.
        class_names: by key of the labels, the names of its classes.
        id_separator: what stands between the parts of an id.
    """

    name: str
    needs: str
    open: Callable[[Path], Contents]
    keys: Callable[[Mapping[str, object], TaskKind | None], Mapping[str, str]]
    marked: Callable[[Mapping[str, object]], bool]
    kind: TaskKind | None = None
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    id_separator: str = ""

    def missing(self, found: Mapping[str, object], taken: Mapping[str, str]) -> tuple[str, ...]:
        """The roles that a split has nothing for, beside those that the user gave a key for."""
        keys = self.keys(found, self.kind)
        return tuple(role for role in REQUIRED if role not in taken and keys.get(role) not in found)


def same_or(found: Mapping[str, object], candidates: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """By role the first candidate that is there; a required role without one keeps its first, to be missed by name."""
    there = {
        role: next((k for k in keys if found.get(k) is not None), None) for role, keys in candidates.items()
    }
    return {role: key or candidates[role][0] for role, key in there.items() if key or role in REQUIRED}


PLAIN_KEYS: Mapping[str, tuple[str, ...]] = {
    **{m.value: (m.value,) for m in MODALITIES},
    LABELS: ("labels",),
    IDS: ("ids", "id"),
    **{role: (role,) for role in LENGTHS.values()},
}
"""Keys that are called what they are."""


def parsed_array_roles(options: tuple[str, ...] | list[str]) -> dict[str, str]:
    """`ROLE=KEY` options as a mapping.

    Raises:
        UserError: one has another form, names no role, or takes nothing as what every data set needs.
    """
    taken: dict[str, str] = {}
    for option in options:
        role, equals, key = option.partition("=")
        if not equals or not key:
            raise UserError(
                f"--take {option}: allowed: ROLE=KEY, such as labels=sentiment; roles: {', '.join(ROLES)}"
            )
        if role not in ROLES:
            raise unknown_name("role of --take", role, ROLES)
        if key == NOTHING and role in REQUIRED:
            raise UserError(f"--take {option}: a data set needs {role}; give the key that holds it")
        taken[role] = key
    return taken


def keys_of(
    layout: Layout, contents: Contents, split: str, kind: TaskKind | None, taken: Mapping[str, str]
) -> dict[str, str]:
    """By role, the keys of a split that are to be read: the layout's, and before them those that the user takes.

    Raises:
        UserError: a key is not there.
    """
    found = contents.splits[split]
    keys = {**layout.keys(found, kind), **taken}
    for role, key in keys.items():
        if key == NOTHING or key in found:
            continue
        if role in taken:
            raise UserError(
                f"{contents.path}: {split}: --take {role}={key}: there is no key {key!r}"
                f"{did_you_mean(key, found)}; found: {listed(found)}"
            )
        raise UserError(
            f"{contents.path}: {split}: key {key!r} is missing{did_you_mean(key, found)}; found: {listed(found)}; "
            f"if {role} has another key, give it with --take {role}=KEY"
        )
    return {role: key for role, key in keys.items() if key != NOTHING}


def listed(keys: Mapping[str, object]) -> str:
    """Keys for a message."""
    return ", ".join(str(key)[:40] for key in list(keys)[:16]) or "nothing"


def described(value: object) -> tuple[str, str]:
    """Shape and dtype of a value in words, for tables and messages; other values have a length and a type."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return " x ".join(map(str, value.shape)) or "one number", str(value.dtype)
    size = str(len(value)) if isinstance(value, (list, tuple, dict, set, str, bytes)) else ""
    return size, type(value).__name__
