"""Errors that a user can mend: one class, so that the command line shows them without a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic_core import PydanticCustomError

KeyPath = tuple[str | int, ...]
"""The way to a value in a tree of mappings and lists."""


class UserError(Exception):
    """Something a user gave is wrong. The message says what, where, what was given, what is allowed."""


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """`" (did you mean 'mult'?)"` for a near miss among `allowed`, else an empty string."""
    close = difflib.get_close_matches(given, list(allowed), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def unknown_name(kind: str, given: str, allowed: Iterable[str]) -> UserError:
    """The error for a name that is not registered: what was given, what is allowed, the likely fix."""
    names = sorted(allowed)
    return UserError(f"unknown {kind} {given!r}; allowed: {', '.join(names)}{did_you_mean(given, names)}")


def invalid(what: str, allowed: str, *, repeated: bool = True) -> PydanticCustomError:
    """An error for validators of pydantic models, to be raised: the command line shows it in these words, with what was
    given unless that is not to be repeated.

    Tags of unions in which it is raised are names of classes, so that they are told from keys.
    """
    return PydanticCustomError(
        "invalid", "{what}; allowed {allowed}", {"what": what, "allowed": allowed, "repeated": repeated}
    )
