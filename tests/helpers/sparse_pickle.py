"""Pickles of the size of the field's large files, whose arrays are holes in a sparse file: made in no time and space.

The opcodes are those of NumPy's arrays in a pickle of protocol 3, with the 8-byte sizes of protocol 4.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
_BINBYTES8 = b"\x8e"
_ORDERS = {"C": b"\x89", "F": b"\x88"}


@dataclass(frozen=True)
class Hole:
    """An array of zeros, its first samples aside.

    Attributes:
        shape: `(samples, time, width)`.
        dtype: of the numbers.
        order: `C` or `F`.
        first: the first samples; none: zeros too.
    """

    shape: tuple[int, int, int]
    dtype: str = "<f4"
    order: str = "C"
    first: np.ndarray[Any, Any] | None = None

    @property
    def nbytes(self) -> int:
        """The bytes of the array."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def write_sparse_pickle(path: Path, data: Mapping[str, Mapping[str, Any]]) -> None:
    """Write a dict of dicts of whatever can be pickled, and of `Hole`s."""
    with path.open("wb") as file:
        file.write(b"\x80\x04}(")
        for split, values in data.items():
            file.write(_fragment(split) + b"}(")
            for key, value in values.items():
                file.write(_fragment(key))
                if isinstance(value, Hole):
                    _write_hole(file, value)
                else:
                    file.write(_fragment(value))
            file.write(b"u")
        file.write(b"u.")


def _fragment(value: Any) -> bytes:
    """The opcodes that put a value on the stack, without the beginning and the end of a pickle."""
    return pickle.dumps(value, 3)[2:-1]


def _write_hole(file: IO[bytes], hole: Hole) -> None:
    dtype = np.dtype(hole.dtype)
    file.write(_ARRAY + b"(K\x01" + _fragment(hole.shape) + _fragment(dtype) + _ORDERS[hole.order])
    file.write(_BINBYTES8 + struct.pack("<Q", hole.nbytes))
    start = file.tell()
    if hole.first is not None:
        _write_first(file, start, hole, hole.first.astype(dtype))
    file.seek(start + hole.nbytes)
    file.write(b"tb")


def _write_first(file: IO[bytes], start: int, hole: Hole, first: np.ndarray[Any, Any]) -> None:
    if hole.order == "C":
        file.write(first.tobytes())
        return
    samples, steps, width = hole.shape
    for channel in range(width):  # in Fortran's order the samples of one step and channel are neighbours
        for step in range(steps):
            file.seek(start + (channel * steps + step) * samples * first.itemsize)
            file.write(first[:, step, channel].tobytes())
