"""Errors that a user can mend.

They have one class, `UserError`, so that the command line shows them without a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic_core import PydanticCustomError

KeyPath = tuple[str | int, ...]
"""The keys and positions that lead to a value in a tree of mappings and lists."""


class UserError(Exception):
    """An input of the user is wrong. The message says what, where, what was given and what is allowed."""


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """`" (did you mean 'mult'?)"` for a near miss among `allowed`, else an empty string."""
    close = difflib.get_close_matches(given, list(allowed), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def unknown_name(kind: str, given: str, allowed: Iterable[str]) -> UserError:
    """The error for a name that is not registered: what was given, what is allowed, the likely fix."""
    names = sorted(allowed)
    return UserError(f"unknown {kind} {given!r}; allowed: {', '.join(names)}{did_you_mean(given, names)}")


def invalid(what: str, allowed: str, *, repeated: bool = True) -> PydanticCustomError:
    """The error that a validator of a pydantic model raises; the command line shows it in these words.

    Args:
        what: what is wrong.
        allowed: what is allowed.
        repeated: whether the message repeats the given value.
    """
    # Tags of unions in which this is raised are names of classes: that tells them from keys in an error's location.
    return PydanticCustomError(
        "invalid", "{what}; allowed {allowed}", {"what": what, "allowed": allowed, "repeated": repeated}
    )
