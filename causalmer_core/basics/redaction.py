"""Texts for readers, with the credentials of this process's environment taken out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

_SECRET_NAME = re.compile(r"(?:.*_)?(?:API_?KEY|KEY|KEY_ID|PASS|PASSWD|PASSWORD|SECRET|TOKEN)", re.IGNORECASE)
"""Names of variables that hold a secret. Names that end in FILE or PATH hold the place of one, which helps readers."""

_SHORTEST = 8
"""Shorter values are kept: to replace `1` or `true` would spoil a text, and such values protect nothing."""

_USER_OF_ADDRESS = re.compile(r"(?<=//)(?!anonymous@)[^\s/?#'\"]+@")
"""The user and the password in an address, but not the word for access without them to Google's store."""


def without_secrets(text: str) -> str:
    """The text without credentials, for messages and records that repeat the words of another program.

    Args:
        text: any text, such as the message of a foreign error.

    Returns:
        The text with the name of its variable in place of each secret value in the environment, such as
        `<AWS_SECRET_ACCESS_KEY>`, and without the user and the password of addresses (`https://<credentials>@host`).
    """
    for name, value in _secrets():
        text = text.replace(value, f"<{name}>")
    return _USER_OF_ADDRESS.sub("<credentials>@", text)


def _secrets() -> Iterator[tuple[str, str]]:
    """Secret variables, longest value first: one value may be a part of another."""
    found = [
        item for item in os.environ.items() if _SECRET_NAME.fullmatch(item[0]) and len(item[1]) >= _SHORTEST
    ]
    yield from sorted(found, key=lambda item: -len(item[1]))
