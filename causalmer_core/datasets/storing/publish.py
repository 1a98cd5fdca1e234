"""Folders that appear whole or not at all, whenever the process is killed.

A folder is written under a hidden name, `.NAME.new-TOKEN`, and renamed to its place. Meanwhile the process holds a lock
on `.NAME.TOKEN.lock`, which the system frees when the process dies. So a hidden folder whose lock is free was left by a
killed process, and is removed. Earlier versions of this program replaced folders, and hid the replaced one as
`.NAME.old-TOKEN`; it is put back if the new one never came.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from causalmer_core.basics.files import fsync_folder, written_aside
from causalmer_core.datasets.base import Samples
from causalmer_core.datasets.statistics import chunks

_HIDDEN = re.compile(r"\.(?P<name>.+)\.(?P<state>new|old)-(?P<token>\w+)")
_NO_LOCK = (Timeout, OSError, NotImplementedError)
"""A process holds the lock, or the file system has no locks: then nothing is removed."""


def write_array(path: Path, values: Samples) -> None:
    """Write an array, one piece in memory at a time, as a `.npy` file (see `causalmer_core.basics.files`).

    Raises:
        OSError: writing failed.
    """
    with written_aside(path) as temporary, temporary.open("xb") as file:
        header = {
            "descr": np.lib.format.dtype_to_descr(values.dtype),
            "fortran_order": False,
            "shape": values.shape,
        }
        np.lib.format.write_array_header_1_0(file, header)
        for piece in chunks(values):
            file.write(np.ascontiguousarray(piece).data)


@contextmanager
def hidden_folder(parent: Path, name: str) -> Iterator[Path]:
    """Yield a hidden folder to write in. Unless the block moves it into its place, it is removed when the block ends.

    Args:
        parent: the folder to make it in, which is made if need be.
        name: the name to hide, a part of the hidden name.

    Raises:
        OSError: the folder cannot be made.
    """
    parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(parent)
    token = secrets.token_hex(4)
    lock = _lock(parent, name, token)
    with suppress(NotImplementedError):
        lock.acquire(timeout=0)
    hidden = parent / f".{name}.new-{token}"
    try:
        hidden.mkdir()
        yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        _drop(lock)


def move_into_place(folder: Path, target: Path) -> None:
    """Rename a folder to its place, durably. The parents of `target` are made if need be.

    Raises:
        OSError: renaming failed, or there is a file or a folder with files at `target`.
    """
    fsync_folder(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    fsync_folder(target.parent)
    fsync_folder(target.parent.parent)


def clear_leftovers(folder: Path) -> None:
    """Remove the hidden folders of killed processes; put a whole old folder back if its new one never came."""
    for hidden in sorted(folder.glob(".*")):
        parts = _HIDDEN.fullmatch(hidden.name)
        if parts is None or not hidden.is_dir():
            continue
        lock = _lock(folder, parts["name"], parts["token"])
        try:
            lock.acquire(timeout=0)
        except _NO_LOCK:
            continue
        with suppress(OSError):  # another process may be clearing too
            whole = (hidden / "manifest.json").is_file()
            if parts["state"] == "old" and whole and not (folder / parts["name"]).exists():
                hidden.rename(folder / parts["name"])
            shutil.rmtree(hidden, ignore_errors=True)
        _drop(lock)


def _lock(folder: Path, name: str, token: str) -> FileLock:
    return FileLock(folder / f".{name}.{token}.lock")


def _drop(lock: FileLock) -> None:
    lock.release()
    with suppress(OSError):
        Path(lock.lock_file).unlink()
