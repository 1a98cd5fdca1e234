"""Memory-mapped files without their pages piling up in memory."""

from __future__ import annotations

import mmap

import numpy as np


def let_go(values: object) -> None:
    """Give back the memory that looking at a read-only memory map took; the numbers stay, in the file.

    The system would take it back by itself when memory is short, but until then it counts as the process's own, for
    limits too. Anything other than an array over a read-only memory map is left alone.
    """
    base: object = values
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        with memoryview(base) as view:
            read_only = view.readonly
        if read_only:  # in a private writable map the changes would be lost
            base.madvise(mmap.MADV_DONTNEED)
