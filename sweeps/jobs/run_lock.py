"""The lock of a run, held while its records are written: two processes never train one run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from causalmer_core.basics.errors import UserError
from results.records.layout import SweepLayout
from results.records.schemas import RunKey

LOCK_SECONDS = 60.0
"""How long a new attempt waits until the previous attempt's process has ended."""


def run_lock(layout: SweepLayout, key: RunKey) -> FileLock:
    """Acquire the lock of a run.

    Raises:
        UserError: another process holds it.
    """
    folder = layout.checkpoints(key)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise UserError(f"run {key.stem}: another process trains it; stop that process first") from error
    return lock


@contextmanager
def locked_run(layout: SweepLayout, key: RunKey) -> Iterator[None]:
    """Hold the lock of a run within the block.

    Raises:
        UserError: another process holds it.
    """
    lock = run_lock(layout, key)
    try:
        yield
    finally:
        lock.release()
