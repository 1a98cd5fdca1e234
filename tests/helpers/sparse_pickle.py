"""Pickles of the size of the field's large files, whose arrays are holes in a sparse file: made in no time and space.

The opcodes are those that NumPy's arrays have in a pickle of protocol 3 and later, with 8-byte sizes as in protocol 4.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

_ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
_BINBYTES8 = b"\x8e"


@dataclass(frozen=True)
class Hole:
    """An array of zeros in C order, a few rows aside.

    Attributes:
        shape: samples first.
        dtype: of the numbers.
        rows: by sample, what is there in the place of zeros.
    """

    shape: tuple[int, ...]
    dtype: str = "<f4"
    rows: Mapping[int, Any] = field(default_factory=dict)

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
                _write_hole(file, value) if isinstance(value, Hole) else file.write(_fragment(value))
            file.write(b"u")
        file.write(b"u.")


def _fragment(value: Any) -> bytes:
    """The opcodes that put a value on the stack, without the beginning and the end of a pickle."""
    return pickle.dumps(value, 3)[2:-1]


def _write_hole(file: IO[bytes], hole: Hole) -> None:
    dtype = np.dtype(hole.dtype)
    kind = _fragment(dtype)
    file.write(_ARRAY + b"(K\x01" + _fragment(hole.shape) + kind + b"\x89")
    file.write(_BINBYTES8 + struct.pack("<Q", hole.nbytes))
    start, row = file.tell(), hole.nbytes // hole.shape[0]
    for sample, values in hole.rows.items():
        file.seek(start + sample * row)
        file.write(np.broadcast_to(np.asarray(values, dtype), hole.shape[1:]).tobytes())
    file.seek(start + hole.nbytes)
    file.write(b"tb")
