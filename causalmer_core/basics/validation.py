"""Rules for inputs: names that become part of a path, and strict configuration."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

from causalmer_core.basics.errors import UserError

NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""The whole of a name matches this."""

LARGEST_WHOLE = 10**15
"""The largest whole number of an input. The int64 columns of tables and float64 are exact for sums of a few of them."""


def checked_name(name: str, kind: str) -> str:
    """`name` if it is safe as one part of a path; `kind` (`"sweep"`, `"data set"`) is for the message.

    Raises:
        UserError: it is empty, too long, or has other characters than letters, digits, `.`, `_` and `-`.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise UserError(
            f"{kind} name {name!r} is not allowed; use 1 to 64 letters, digits, '.', '_' or '-', "
            "starting with a letter or a digit"
        )
    return name


class Frozen(BaseModel):
    """Base of all configuration: immutable, strict about types, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
