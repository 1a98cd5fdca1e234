"""The layout of a file, recognised from the kind of file and from its keys."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from causalmer_core.basics.errors import UserError
from causalmer_core.datasets.reading.layouts.base import Contents, Layout, described
from causalmer_core.datasets.reading.layouts.mmsa import MMSA
from causalmer_core.datasets.reading.layouts.numpy_arrays import NPY, NPZ
from causalmer_core.datasets.reading.layouts.pickled import MULT, open_pickle

LAYOUTS = {layout.name: layout for layout in (MULT, MMSA, NPZ, NPY)}


class LayoutName(StrEnum):
    """The names of the layouts."""

    MULT = "mult"
    MMSA = "mmsa"
    NPZ = "npz"
    NPY = "npy"


_HDF5_NAMES = (".csd", ".h5", ".hdf5")
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")  # the second: an archive of nothing
_NPY_MAGIC = b"\x93NUMPY"


def open_file(
    path: Path | str, layout: LayoutName | None = None, array_roles: Mapping[str, str] | None = None
) -> tuple[Layout, Contents]:
    """The layout of a file or a folder, and its contents.

    Args:
        path: the file or folder.
        layout: the layout. None: it is recognised.
        array_roles: by role, keys that the user gave. A layout may lack its own keys for these roles.

    Raises:
        UserError: the file cannot be read, is of a kind that is not supported, or is in no known layout.
    """
    path = Path(path)
    magic = _magic(path)
    if path.suffix in _HDF5_NAMES or magic == _HDF5_MAGIC:
        raise UserError(
            f"{path}: an HDF5 file, such as the CMU Multimodal SDK writes (.csd), which is not supported: it holds one "
            "modality, not aligned and not split. Align and split it with that SDK, and save the arrays with np.savez "
            f"as {NPZ.needs}"
        )
    if layout is not None:
        chosen = LAYOUTS[layout.value]
        return chosen, _opened(chosen, path, magic)
    if path.is_dir():
        return NPY, NPY.open(path)
    if magic.startswith(_ZIP_MAGICS):
        return NPZ, NPZ.open(path)
    if magic.startswith(_NPY_MAGIC):
        raise UserError(f"{path}: one .npy file; give the folder that it is in: {NPY.needs}")
    contents = open_pickle(path)
    return _recognised(contents, array_roles or {}), contents


def _opened(layout: Layout, path: Path, magic: bytes) -> Contents:
    """The file in the layout that the user gave, if it is of the right kind."""
    kind = "npy" if path.is_dir() else "npz" if magic.startswith(_ZIP_MAGICS) else "pickle"
    wanted = layout.name if layout.name in ("npy", "npz") else "pickle"
    if kind != wanted:
        found = {"npy": "a folder", "npz": "a zip archive", "pickle": "another kind of file"}[kind]
        raise UserError(
            f"{path}: found {found}; the layout {layout.name} is {layout.needs}; without --layout it "
            "is recognised"
        )
    return layout.open(path)


def _magic(path: Path) -> bytes:
    if path.is_dir():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); give the path of a data file, or of a folder of .npy files"
        ) from error


def _recognised(contents: Contents, array_roles: Mapping[str, str]) -> Layout:
    found = contents.splits["train"]
    for layout in (MMSA, MULT):
        if layout.marked(found) and not layout.missing(found, array_roles):
            return layout
    if not MULT.missing(found, array_roles):
        return MULT
    there = ", ".join(f"{key} ({' '.join(described(value))})" for key, value in list(found.items())[:16])
    lacks = "; ".join(
        f"{layout.name} lacks {', '.join(layout.missing(found, array_roles))}" for layout in (MULT, MMSA)
    )
    needs = "; ".join(f"{layout.name}: {layout.needs}" for layout in LAYOUTS.values())
    raise UserError(
        f"{contents.path}: in no known layout. Found in train: {there or 'nothing'}; {lacks}. Allowed: "
        f"{needs}. If the arrays have other keys, give them with --map, such as --map vision=visual --map labels=y"
    )
