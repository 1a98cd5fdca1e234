"""Quotes a user's texts in YAML, shell and Python, so that none is read as syntax."""

from __future__ import annotations

import json
import shlex
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString


class Written(str):
    """Text that already has the file's syntax."""

    __slots__ = ()


def as_yaml(value: object) -> str:
    """A text, number, truth value or list of them on one line that YAML 1.1 and 1.2 read alike."""
    # Texts are always in double quotes: a plain `1e-4`, `no` or `~` would become another value.
    if isinstance(value, Written):
        return value
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_yaml, value))}]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def yaml_block(text: str, indent: int) -> Written:
    """A text of several lines as an indented literal block, the value of a key.

    Text that a block cannot hold unchanged is put in double quotes.
    """
    lines = text.splitlines(keepends=True)
    if not all(line.endswith("\n") and line[:-1].isprintable() for line in lines) or text[:1] in (
        "",
        " ",
        "\n",
    ):
        return Written(_quoted(text))
    moved = "".join(" " * indent + line if line != "\n" else line for line in lines)
    kept = "|" if not text.endswith("\n\n") else "|+"
    return Written(f"{kept}\n{moved.removesuffix(chr(10))}")


def as_shell(value: object) -> str:
    """A text or number as one word of a POSIX shell."""
    return value if isinstance(value, Written) else shlex.quote(str(value))


def as_python(value: object) -> str:
    """A text or None as a literal of Python; a text of several lines spans several lines if possible."""
    if isinstance(value, Written):
        return value
    if isinstance(value, str) and value.endswith("\n"):
        plain = all(line.isprintable() for line in value.split("\n"))
        if plain and "\\" not in value and '"""' not in value:
            return f'"""\\\n{value}"""'
    return repr(value)


def _quoted(text: str) -> str:
    writer = YAML(typ="rt", pure=True)
    writer.width = 2**31  # lines are not broken
    stream = StringIO()
    writer.dump(DoubleQuotedScalarString(text), stream)
    return stream.getvalue().removesuffix("\n")
