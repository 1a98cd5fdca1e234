"""A layout: the keys under which a file of the field holds features, labels, ids, lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from causalmer_core.basics.errors import UserError, did_you_mean, unknown_name
from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.task import TaskKind

SPLITS = ("train", "valid", "test")
SPLIT_NAMES = {"train": ("train",), "valid": ("valid", "dev", "val"), "test": ("test",)}
"""The names that files give to the splits."""

LABELS = "labels"
IDS = "ids"
LENGTHS = {modality: f"{modality.value}_lengths" for modality in MODALITIES}
REQUIRED = (*(m.value for m in MODALITIES), LABELS)
ROLES = (*REQUIRED, IDS, *LENGTHS.values())
"""The roles that an array of a file can have."""

NOTHING = "none"
"""In the place of a key: no array is read as ids or as lengths."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The values of a file; large arrays are not read yet.

    Attributes:
        path: the file or folder.
        splits: by split, under our names, the values by key.
        others: names of the file's values outside the splits.
    """

    path: Path
    splits: Mapping[str, Mapping[str, object]]
    others: tuple[str, ...] = ()

    def where(self, split: str, key: str) -> str:
        """File, split and key: the beginning of a message about a value."""
        return f"{self.path}: {split}: {key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to lay out a data set.

    Attributes:
        name: its name for `--layout`.
        needs: the contents of a file in this layout, in one line.
        open: reads a file.
        keys: gives, by role, the keys of a split with these values, for a task or for the layout's own task.
        marked: whether a split has a key that only this layout has.
        kind: the task, if the layout decides it.
        class_names: by key of the labels, the names of the classes.
        id_separator: the text between the parts of an id.
    """

    name: str
    needs: str
    open: Callable[[Path], Contents]
    keys: Callable[[Mapping[str, object], TaskKind | None], Mapping[str, str]]
    marked: Callable[[Mapping[str, object]], bool]
    kind: TaskKind | None = None
    class_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    id_separator: str = ""

    def missing(self, found: Mapping[str, object], array_roles: Mapping[str, str]) -> tuple[str, ...]:
        """The required roles without a key in a split, except those that the user gave a key for."""
        keys = self.keys(found, self.kind)
        return tuple(role for role in REQUIRED if role not in array_roles and keys.get(role) not in found)


def same_or(found: Mapping[str, object], candidates: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """By role, the first candidate key in a split.

    A required role without any keeps its first candidate, so that the message about it can name the key.
    """
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
"""Keys that are named like their roles."""


def parsed_array_roles(options: tuple[str, ...] | list[str]) -> dict[str, str]:
    """`--map ROLE=KEY` options as a mapping from role to key.

    Raises:
        UserError: an option has another form, names no role, or leaves out a role that every data set needs.
    """
    array_roles: dict[str, str] = {}
    for option in options:
        role, equals, key = option.partition("=")
        if not equals or not key:
            raise UserError(
                f"--map {option}: allowed: ROLE=KEY, such as labels=sentiment; roles: {', '.join(ROLES)}"
            )
        if role not in ROLES:
            raise unknown_name("role of --map", role, ROLES)
        if key == NOTHING and role in REQUIRED:
            raise UserError(f"--map {option}: a data set needs {role}; give the key that holds it")
        array_roles[role] = key
    return array_roles


def keys_of(
    layout: Layout, contents: Contents, split: str, kind: TaskKind | None, array_roles: Mapping[str, str]
) -> dict[str, str]:
    """By role, the keys of a split to read: those that the user gave, then the layout's.

    Raises:
        UserError: a key is missing.
    """
    found = contents.splits[split]
    keys = {**layout.keys(found, kind), **array_roles}
    for role, key in keys.items():
        if key == NOTHING or key in found:
            continue
        if role in array_roles:
            raise UserError(
                f"{contents.path}: {split}: --map {role}={key}: there is no key {key!r}"
                f"{did_you_mean(key, found)}; found: {listed(found)}"
            )
        raise UserError(
            f"{contents.path}: {split}: key {key!r} is missing{did_you_mean(key, found)}; found: {listed(found)}; "
            f"if {role} has another key, give it with --map {role}=KEY"
        )
    return {role: key for role, key in keys.items() if key != NOTHING}


def listed(keys: Mapping[str, object]) -> str:
    """Keys for a message."""
    return ", ".join(str(key)[:40] for key in list(keys)[:16]) or "nothing"


def described(value: object) -> tuple[str, str]:
    """Shape and dtype of an array in words, for tables and messages; length and type of any other value."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return " x ".join(map(str, value.shape)) or "one number", str(value.dtype)
    size = str(len(value)) if isinstance(value, (list, tuple, dict, set, str, bytes)) else ""
    return size, type(value).__name__
