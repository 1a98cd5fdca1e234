"""The role that an import gave to each array of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.labels import ReadLabels
from causalmer_core.datasets.nonfinite import NonfiniteCounts
from causalmer_core.datasets.reading.layouts.base import IDS, LABELS, LENGTHS, Contents, described


@dataclass(frozen=True, slots=True)
class ArrayRole:
    """One value of a file and its roles.

    Attributes:
        split: `train`, `valid` or `test`; empty for a value outside the splits.
        key: its key in the file; empty for ids that the import made up.
        roles: its roles; empty if it was left out.
        shape, dtype: in words, as the file has them.
        note: what the import did with it.
    """

    split: str
    key: str
    roles: tuple[str, ...]
    shape: str = ""
    dtype: str = ""
    note: str = ""


def table_of(
    contents: Contents,
    keys: Mapping[str, Mapping[str, str]],
    labels: ReadLabels,
    splits: Mapping[str, Split],
    nonfinite: Mapping[str, Mapping[Modality, NonfiniteCounts]],
) -> tuple[ArrayRole, ...]:
    """Every value of the file; in each split those with a role first.

    Args:
        contents: the file.
        keys: by split and role, the keys that were read.
        labels, splits, nonfinite: the data that was read.
    """
    rows: list[ArrayRole] = []
    for name, split in splits.items():
        rows += _of_split(contents, name, split, keys[name], _notes(split, labels, nonfinite[name]))
    rows += [ArrayRole("", key, ()) for key in contents.others]
    return tuple(rows)


def _of_split(
    contents: Contents, name: str, split: Split, keys: Mapping[str, str], notes: Mapping[str, str]
) -> Iterator[ArrayRole]:
    found = contents.splits[name]
    for key in dict.fromkeys((*keys.values(), *found)):
        roles = tuple(role for role, used in keys.items() if used == key)
        note = "; ".join(dict.fromkeys(notes[role] for role in roles if notes.get(role)))
        yield ArrayRole(name, key, roles, *described(found[key]), note)
    if IDS not in keys:
        yield ArrayRole(name, "", (IDS,), str(len(split)), "", f"made up: {split.ids[0]} ...")


def _notes(split: Split, labels: ReadLabels, nonfinite: Mapping[Modality, NonfiniteCounts]) -> dict[str, str]:
    notes = {LABELS: labels.form, IDS: f"{split.ids[0][:40]} ..."}
    for modality in MODALITIES:
        replaced = nonfinite[modality].replaced
        notes[modality.value] = f"{replaced} not finite set to 0" if replaced else ""
        if modality in split.lengths:
            lengths = split.lengths[modality]
            notes[LENGTHS[modality]] = f"{lengths.min()} to {lengths.max()} steps"
    return notes
