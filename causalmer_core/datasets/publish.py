"""Folders that appear whole or not at all, whenever the process is killed.

A folder is written beside its place under a hidden name, `.NAME.new-TOKEN`, and renamed to its place. A folder that it
replaces is renamed to `.NAME.old-TOKEN` first. Meanwhile the process holds a lock on `.NAME.TOKEN.lock`, which the
system frees when the process dies. So a hidden folder whose lock is free was left by a killed process, and is removed.
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
def published(target: Path, *, replace: bool) -> Iterator[Path]:
    """Yield a hidden folder to write in. It becomes `target` when the block ends; if the block fails it is removed.

    Args:
        target: the final folder.
        replace: whether an existing `target` is replaced.

    Raises:
        OSError: writing or renaming failed, or `target` exists and `replace` is false.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(target.parent)
    token = secrets.token_hex(4)
    lock = _lock(target.parent, target.name, token)
    with suppress(NotImplementedError):
        lock.acquire(timeout=0)
    aside = _hidden(target, "new", token)
    try:
        aside.mkdir()
        yield aside
        _move_into_place(aside, target, _hidden(target, "old", token), replace)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        _drop(lock)


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


def _hidden(target: Path, state: str, token: str) -> Path:
    return target.with_name(f".{target.name}.{state}-{token}")


def _lock(folder: Path, name: str, token: str) -> FileLock:
    return FileLock(folder / f".{name}.{token}.lock")


def _drop(lock: FileLock) -> None:
    lock.release()
    with suppress(OSError):
        Path(lock.lock_file).unlink()


def _move_into_place(aside: Path, target: Path, old: Path, replace: bool) -> None:
    """Rename `aside` to `target`. A replaced folder is renamed first and deleted last."""
    fsync_folder(aside)
    if replace and target.exists():
        target.rename(old)
    try:
        aside.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    fsync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)
