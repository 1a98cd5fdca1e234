"""Checks the address of a cluster: that it exists, and that it requires a token.

Another process asks the cluster, because Ray reads the token once in each process, and ends a process without one.
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
    """The head's `HOST:PORT` of the cluster at an address, ready to be joined with the user's token.

    Args:
        address: `HOST:PORT` of its head, or `auto`: the Ray on this machine or in RAY_ADDRESS.
        insecure: whether a cluster that requires no token is allowed.

    Raises:
        UserError: the address is wrong, no Ray answers there, it requires no token, or the user's token is missing or
            wrong.
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
        UserError: the address has another form.
    """
    try:
        parts = urlsplit(f"//{address}")
        if parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError:  # the port is not a number
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
    """The head's answer to a token, by default to the user's.

    Raises:
        UserError: no Ray answers.
    """
    environment = {**os.environ, "RAY_AUTH_MODE": "token"}
    if token is not None:
        environment["RAY_AUTH_TOKEN"] = token
    try:
        socket.create_connection(host_and_port(head), timeout=_CONNECT_SECONDS).close()
        done = subprocess.run(  # noqa: S603 - this interpreter and our own code
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
