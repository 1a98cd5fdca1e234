"""The token that opens a cluster. Ray finds it: RAY_AUTH_TOKEN, the file RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token.

Whoever reaches a Ray without tokens runs code on its nodes, so one that asks for none is refused unless that is wanted.
Whether it asks, a stranger finds out: one who comes with a token of its own making. Only a Ray that turned it away gets
to see this user's.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Any

from ray import _raylet

from causalmer_core.basics.errors import UserError

_RAY: Any = _raylet
"""Ray's core; what is said of its types leaves these parts out."""


def show_own_token(place: str, name: str, *, lets_in: Callable[[str | None], bool], insecure: bool) -> None:
    """Make this process ready to enter a place: with this user's token where one is asked for, else with none.

    Args:
        place: how the user gave it, which errors begin with.
        name: what it is: Ray, job server.
        lets_in: whether it lets in whoever comes with a token; without one, with this user's.
        insecure: whether one that asks for no token is right, too.

    Raises:
        UserError: no token is asked for; or ours is missing or wrong.
    """
    if lets_in(secrets.token_hex(32)):
        if not insecure:
            raise UserError(
                f"{place}: this {name} asks for no token, so that whoever reaches it runs code on the cluster; allowed "
                "one that was started with RAY_AUTH_MODE=token, as 'causalmer cluster template' does, or give "
                "--insecure where nobody else reaches it"
            )
        _show_token(shown=False)  # it does not get to see one
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
    """Whether this process shows its token. Ray read the variable when it was imported, and has to read it again."""
    os.environ["RAY_AUTH_MODE"] = "token" if shown else "disabled"
    _RAY.Config.initialize("")
