"""Noticing that the processes of a private Ray are gone: Ray Tune itself would wait for them for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ray

POLL_SECONDS = 0.5

_NEEDED = ("gcs_server", "raylet")
"""Without these nothing runs; of its other processes Ray does without."""


class RayLostError(Exception):
    """A process that Ray needs is gone, though nobody asked it to end; what ran under it is gone with it."""


def lost_processes() -> list[str]:
    """Which of the processes that this process's private Ray needs are gone, by what they are."""
    node = ray._private.worker._global_node
    return [] if node is None else [kind for kind, _ in node.dead_processes() if kind in _NEEDED]


@contextmanager
def watched(on_loss: Callable[[list[str]], None]) -> Iterator[None]:
    """Within the block look every half second, and call `on_loss` once, from another thread, when one is gone."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(POLL_SECONDS):
            if lost := lost_processes():
                on_loss(lost)
                return

    thread = threading.Thread(target=look, name="watch of Ray", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
