"""The token that opens a cluster. Ray finds it: RAY_AUTH_TOKEN, the file RAY_AUTH_TOKEN_PATH, or ~/.ray/auth_token."""

from __future__ import annotations

import os
from typing import Any

from ray import _raylet

_RAY: Any = _raylet
"""Ray's core; what is said of its types leaves these parts out."""


def has_token() -> bool:
    """Whether this user has one."""
    return bool(_RAY.AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True))


def show_token(*, shown: bool) -> None:
    """Whether this process shows its token. Ray read the variable when it was imported, and has to read it again."""
    os.environ["RAY_AUTH_MODE"] = "token" if shown else "disabled"
    _RAY.Config.initialize("")
