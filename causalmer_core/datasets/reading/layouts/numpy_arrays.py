"""Data sets as plain NumPy arrays: one `.npz` file, or a folder of `.npy` files.

The arrays are named `train_text`, `train_audio`, `train_vision`, `train_labels`; optional are `train_ids`,
`train_text_lengths`, `train_audio_lengths`, `train_vision_lengths`. The names for `valid` and `test` are alike. In a
folder the arrays are files, `train_text.npy` or `train/text.npy`. Nothing is unpickled: ids are whole numbers or text
of fixed width.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from causalmer_core.basics.errors import UserError
from causalmer_core.datasets.reading.layouts.base import (
    PLAIN_KEYS,
    SPLIT_NAMES,
    SPLITS,
    Contents,
    Layout,
    same_or,
)
from causalmer_core.datasets.reading.layouts.npz_member import DAMAGE, NpzMember
from causalmer_core.datasets.statistics import CHUNK_BYTES

_ARRAYS = "text, audio, vision, labels, and perhaps ids, text_lengths, audio_lengths, vision_lengths"


def open_npz(path: Path) -> Contents:
    """The arrays of an `.npz` file; large ones are read when they are needed, a piece at a time.

    Raises:
        UserError: the file is no archive of arrays, or a split has no array.
    """
    try:
        archive = zipfile.ZipFile(path)
        members = archive.infolist()
    except DAMAGE as error:
        raise UserError(f"{path}: cannot be read as .npz ({error}); is the file cut short?") from error
    arrays: dict[str, object] = {}
    others = []
    for info in members:
        if not info.filename.endswith(".npy"):
            others.append(info.filename)
            continue
        member = NpzMember(archive, path, info)
        large = member.nbytes > CHUNK_BYTES
        arrays[info.filename.removesuffix(".npy")] = member if large else member.whole()
    return _contents(path, arrays, others)


def open_npy_folder(path: Path) -> Contents:
    """The arrays of a folder of `.npy` files as memory maps.

    Raises:
        UserError: a file is no array or holds objects, or a split has no array.
    """
    arrays: dict[str, object] = {}
    for file in _files(path):
        key = str(file.relative_to(path).with_suffix("")).replace("/", "_")
        try:
            arrays[key] = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{file}: cannot be read as an array ({str(error)[:160]}); allowed: numbers, or text of fixed width "
                "(np.array(ids, dtype=str)), written by np.save"
            ) from error
    others = sorted(entry.name for entry in path.iterdir() if entry.is_file() and entry.suffix != ".npy")
    return _contents(path, arrays, others)


def _files(folder: Path) -> Iterator[Path]:
    """The `.npy` files of a folder, and of its folders that are named like splits."""
    yield from sorted(folder.glob("*.npy"))
    for names in SPLIT_NAMES.values():
        for name in names:
            yield from sorted(folder.glob(f"{name}/*.npy"))


def _contents(path: Path, arrays: Mapping[str, object], others: list[str]) -> Contents:
    splits: dict[str, dict[str, object]] = {name: {} for name in SPLITS}
    for full, value in arrays.items():
        prefix, _, key = full.partition("_")
        split = next((name for name in SPLITS if prefix in SPLIT_NAMES[name]), None)
        if split is None or not key:
            others.append(full)
        else:
            splits[split][key] = value
    for name, found in splits.items():
        if not found:
            raise UserError(
                f"{path}: split {name!r} is missing; found: {', '.join(list(arrays)[:16]) or 'no array'}; needed: "
                f"arrays called {name}_text and so on, for {_ARRAYS}"
            )
    return Contents(path, splits, tuple(others))


NPZ = Layout(
    name="npz",
    needs=f"an .npz file with train_text and so on: for train, valid, test the arrays {_ARRAYS}",
    open=open_npz,
    keys=lambda found, _: same_or(found, PLAIN_KEYS),
    marked=lambda found: "labels" in found,
)
NPY = Layout(
    name="npy",
    needs=f"a folder with train_text.npy or train/text.npy and so on: for train, valid, test the arrays {_ARRAYS}",
    open=open_npy_folder,
    keys=lambda found, _: same_or(found, PLAIN_KEYS),
    marked=lambda found: "labels" in found,
)
