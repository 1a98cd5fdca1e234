"""Addresses of clusters: which one is meant, whether it is there, and whether it asks for a token.

Another process asks, because Ray reads the token once in each, and ends one that has none.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from enum import Enum
from urllib.parse import urlsplit

from ray._private.services import canonicalize_bootstrap_address_or_die

from causalmer_core.basics.errors import UserError
from cluster.connection.token import show_own_token

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0

_KNOCK = """
import sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError, RpcError
try:
    GcsClient(address=sys.argv[1]).check_alive([], timeout=5)
except AuthenticationError:
    sys.exit(3)
except RpcError:
    sys.exit(4)
"""


class _Answer(Enum):
    LET_IN = 0
    REFUSED = 3
    NONE = 4


def checked_head(address: str, *, insecure: bool = False) -> str:
    """The head's `HOST:PORT` of the cluster that an address means, ready to be joined with this user's token.

    Args:
        address: `auto`, the Ray that runs on this machine or that RAY_ADDRESS names; or `HOST:PORT` of its head.
        insecure: whether one that asks for no token is right, too.

    Raises:
        UserError: the address is none, nobody answers there, no token is asked for, or ours is missing or wrong.
    """
    head = _head(address)
    place = f"--address {address}" if head == address else f"--address {address} ({head})"
    show_own_token(
        place, "Ray", lets_in=lambda token: _answer(head, place, token) is _Answer.LET_IN, insecure=insecure
    )
    return head


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of `HOST:PORT`.

    Raises:
        UserError: it is not of that form.
    """
    try:
        parts = urlsplit(f"//{address}")
        if parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:  # what should be a port is no number
        pass
    raise UserError(f"--address {address}: not an address; allowed auto, or HOST:PORT of the head")


def _head(address: str) -> str:
    if address.startswith("ray://"):
        raise UserError(
            f"--address {address}: Ray Client would take the search away from its records; allowed auto, or HOST:PORT "
            "of the head, on a node of the cluster ('ray exec', 'ray job submit' or ssh get you there)"
        )
    if address.startswith(("http://", "https://")):
        raise UserError(
            f"--address {address}: this is where jobs are submitted to; submit the sweep with 'causalmer cluster "
            f"submit SWEEP.yaml --address {address}', or with 'ray job submit' a command that is given auto"
        )
    if address != "auto":
        host_and_port(address)
    try:
        return str(canonicalize_bootstrap_address_or_die(address))
    except ConnectionError as error:
        raise UserError(
            f"--address {address}: no Ray runs on this machine; start one ('causalmer cluster template' writes files "
            "that do), or leave --address out for a private one"
        ) from error


def _answer(head: str, place: str, token: str | None) -> _Answer:
    """What the head says to a token; without one to this user's.

    Raises:
        UserError: nobody answers.
    """
    environment = {**os.environ, "RAY_AUTH_MODE": "token"}
    if token is not None:
        environment["RAY_AUTH_TOKEN"] = token
    try:
        socket.create_connection(host_and_port(head), timeout=_CONNECT_SECONDS).close()
        done = subprocess.run(  # noqa: S603 - this interpreter and our own words
            [sys.executable, "-c", _KNOCK, head],
            env=environment,
            timeout=_ANSWER_SECONDS,
            capture_output=True,
            check=False,
        )
        answer = _Answer(done.returncode)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        answer = _Answer.NONE
    if answer is _Answer.NONE:
        raise UserError(
            f"{place}: no Ray answers there; start it, or give the address that it printed when it started"
        )
    return answer
