"""Notices the loss of a process that Ray needs; Ray Tune itself would wait for ever."""

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
"""Nothing runs without these; Ray works without its other processes."""

_HEAD_SECONDS = 15.0
"""Seconds to wait for an answer of a cluster's head."""


class RayLostError(Exception):
    """A process that Ray needs ended without being asked to; all that ran under it ended, too."""


def lost_processes() -> list[str]:
    """The needed processes of the connected Ray that are gone, by their kinds.

    For a private Ray this looks at its processes. For a joined cluster it asks the head, and whether this node still
    belongs to the cluster. Other nodes may join and leave.
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
        # Ray's own client would wait for a lost head, and end this process after a minute.
        socket.create_connection(host_and_port(head), timeout=_HEAD_SECONDS).close()
        (alive,) = worker.gcs_client.check_alive([here], timeout=_HEAD_SECONDS)
    except (OSError, RayError):
        return ["gcs_server"]
    return [] if alive else ["raylet"]


@contextmanager
def watched(on_loss: Callable[[list[str]], None]) -> Iterator[None]:
    """Check every half second within the block; call `on_loss` once, from another thread, after a loss."""
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
