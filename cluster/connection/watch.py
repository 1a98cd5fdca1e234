"""Noticing that what a sweep's Ray needs is gone: Ray Tune itself would wait for it for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray import NodeID
from ray.exceptions import RayError

from cluster.connection.address import host_and_port

POLL_SECONDS = 0.5

_NEEDED = ("gcs_server", "raylet")
"""Without these nothing runs; of its other processes Ray does without."""

_HEAD_SECONDS = 15.0
"""So long may a cluster's head take to answer."""


class RayLostError(Exception):
    """A process that Ray needs is gone, though nobody asked it to end; what ran under it is gone with it."""


def lost_processes() -> list[str]:
    """Which of the processes that this process's Ray needs are gone, by what they are.

    Of a private Ray the processes are looked at; of a cluster that was joined the head is asked, and whether this node
    is still one of its nodes. Other nodes may come and go.
    """
    node = ray._private.worker._global_node
    if node is None:
        return []
    if node.all_processes:
        return [kind for kind, _ in node.dead_processes() if kind in _NEEDED]
    return _lost_of_cluster(node.gcs_address, NodeID.from_hex(ray.get_runtime_context().get_node_id()))


def _lost_of_cluster(head: str, here: NodeID) -> list[str]:
    worker: Any = ray._private.worker.global_worker
    try:
        # Ray's own client would wait for a head that is gone, and end this process after a minute.
        socket.create_connection(host_and_port(head), timeout=_HEAD_SECONDS).close()
        (alive,) = worker.gcs_client.check_alive([here], timeout=_HEAD_SECONDS)
    except (OSError, RayError):
        return ["gcs_server"]
    return [] if alive else ["raylet"]


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
