"""Files and folders that are wholly on disk, or not there at all, whenever the process is killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_array(path: Path, values: NDArray[Any]) -> None:
    """Write an array as a new `.npy` file that is on disk when this returns."""
    with path.open("xb") as file:
        np.save(file, values, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write a new text file that is on disk when this returns."""
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_into_place(aside: Path, target: Path) -> None:
    """Rename `aside` to `target`; what stood there goes out of the way first and is deleted last."""
    aside.chmod(0o777 & ~_umask())
    old = None
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old-", dir=target.parent))
        target.rename(old / target.name)
    try:
        aside.rename(target)
    except OSError:
        if old is not None:
            (old / target.name).rename(target)
        raise
    sync_folder(target.parent)
    if old is not None:
        shutil.rmtree(old)


def _umask() -> int:
    """The process's mask, which `mkdtemp` goes without."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
