"""Importing torch, Ray and the like without looking for garbage among what stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Within the block no garbage is collected, and what is there at its end is never looked at again.

    Imports make a million objects that stay. Python's collector looks through them time after time while they come, and
    twice at the process's end: a third of the time of a command that does little.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_collecting:
            gc.enable()
