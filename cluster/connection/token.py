"""The token that a cluster requires.

Ray reads it from RAY_AUTH_TOKEN, from the file in RAY_AUTH_TOKEN_PATH, or from ~/.ray/auth_token. Anyone who reaches a
Ray without tokens can run code on its nodes, so it is refused unless the user allows it. A random token is sent first;
only a server that rejects it gets the user's token.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Any

from ray import _raylet

from causalmer_core.basics.errors import UserError

_RAY: Any = _raylet
"""Ray's core; its type stubs do not have the parts used here."""


def show_own_token(place: str, name: str, *, lets_in: Callable[[str | None], bool], insecure: bool) -> None:
    """Make this process show the user's token to a server, or none if the server requires none.

    Args:
        place: the server as the user gave it; errors begin with it.
        name: its kind in messages: Ray, job server.
        lets_in: whether the server accepts a token; None: the user's.
        insecure: whether a server that requires no token is allowed.

    Raises:
        UserError: the server requires no token, or the user's token is missing or wrong.
    """
    if lets_in(secrets.token_hex(32)):
        if not insecure:
            raise UserError(
                f"{place}: this {name} asks for no token, so anyone who reaches it can run code on the cluster; "
                "allowed one that was started with RAY_AUTH_MODE=token, as 'causalmer cluster template' does, or give "
                "--insecure where nobody else reaches it"
            )
        _show_token(shown=False)  # such a server must not see the user's token
        return
    _show_token(shown=True)
    if not _has_token():
        raise UserError(
            f"{place}: this {name} asks for its token and there is none here; copy ~/.ray/auth_token from the "
            "cluster's head (mode 0600), or name such a file with RAY_AUTH_TOKEN_PATH"
        )
    if not lets_in(None):
        raise UserError(
            f"{place}: the token here is not this {name}'s; copy ~/.ray/auth_token from the cluster's head, and see "
            "that neither RAY_AUTH_TOKEN nor RAY_AUTH_TOKEN_PATH names another"
        )


def _has_token() -> bool:
    return bool(_RAY.AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True))


def _show_token(*, shown: bool) -> None:
    """Set whether this process shows its token."""
    # Ray read the variable when it was imported, and has to read it again.
    os.environ["RAY_AUTH_MODE"] = "token" if shown else "disabled"
    _RAY.Config.initialize("")
