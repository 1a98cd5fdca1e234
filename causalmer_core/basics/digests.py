"""Digests inside files: a reader gets what was written, or an error that names file, damage and remedy.

A digested JSON file has the key `sha256` behind all others. It is the SHA-256 of the tree without that key, as
canonical JSON (sorted keys, no spaces). So layout and order of the text may change, and no value may.

A digested text has a first line that announces the digest, and a last line with the SHA-256 of everything before it.
Both are comments in YAML. A text that was cut has the first line and lacks the last.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from causalmer_core.basics.errors import UserError

DIGEST = "sha256"
"""The key of the digest in a JSON file."""

_ANNOUNCED = b"# The last line is the SHA-256 of the lines before it.\n"
_LAST_LINE = re.compile(rb"# sha256: ([0-9a-f]{64})\n")
_PIECE = 2**20
"""Bytes that are read at a time."""


class DamagedFileError(UserError):
    """A file is not what was written: altered, cut, emptied, missing, or another file in its place.

    Attributes:
        where: the file's path or address.
        what: the damage, with the line or the byte where it is known.
        remedy: what the user can do.
    """

    def __init__(self, where: Path | str, what: str, remedy: str) -> None:
        super().__init__(f"{where} is damaged: {what}; {remedy}")
        self.where, self.what, self.remedy = str(where), what, remedy

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is sent between processes by the arguments of its constructor.
        return (type(self), (self.where, self.what, self.remedy))


def newer_format(where: Path | str, what: str, found: object, newest: int) -> UserError:
    """The error for a file of a later version of this program.

    Args:
        where: the file.
        what: what has a version, such as "checkpoint format".
        found: the file's version.
        newest: the newest version that this program reads.
    """
    return UserError(
        f"{where}: {what} {found} was written by a newer causalmer; this one reads {what} {newest} and older; "
        "update causalmer"
    )


def is_newer(found: object, newest: int) -> bool:
    """Whether a version is later than the newest one that this program reads."""
    return isinstance(found, int) and not isinstance(found, bool) and found > newest


def digest_of(tree: Mapping[str, Any]) -> str:
    """The SHA-256 of a tree of plain JSON values, 64 hexadecimal digits."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digested(tree: Mapping[str, Any]) -> str:
    """The text of a JSON file with its digest.

    Raises:
        TypeError: JSON cannot represent a value.
    """
    plain = json.loads(json.dumps(tree))  # tuples become lists, as the reader will see them
    return json.dumps({**plain, DIGEST: digest_of(plain)}, indent=2, ensure_ascii=False) + "\n"


def open_digested(
    content: bytes,
    where: Path | str,
    *,
    remedy: str,
    may_lack: Callable[[Mapping[str, Any]], bool] = lambda _: False,
) -> dict[str, Any]:
    """The tree of a JSON file, without its digest.

    Args:
        content: the file's bytes.
        where: the file's path or address, for the message.
        remedy: what the user can do about damage, for the message.
        may_lack: whether a tree without a digest is accepted, because an older version wrote it. Default: never.

    Raises:
        DamagedFileError: the file is no JSON object, its digest is missing, or its values do not match the digest.
    """
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError) as error:
        what = "it is empty" if not content.strip() else f"it is not JSON ({error})"
        raise DamagedFileError(where, what, remedy) from error
    if not isinstance(tree, dict):
        raise DamagedFileError(where, "it is not a JSON object", remedy)
    found = tree.pop(DIGEST, None)
    if found is None and may_lack(tree):
        return tree
    if found is None:
        raise DamagedFileError(where, f"its digest (key {DIGEST!r}) is missing", remedy)
    if found != digest_of(tree):
        raise DamagedFileError(where, f"its values do not match its digest (key {DIGEST!r})", remedy)
    return tree


def digested_text(text: str) -> bytes:
    """The content of a text file with its digest. `text` ends in a newline."""
    body = _ANNOUNCED + text.encode()
    return body + f"# sha256: {hashlib.sha256(body).hexdigest()}\n".encode()


def open_digested_text(content: bytes, where: Path | str, *, remedy: str) -> str:
    """The text of a digested text file. A text without any digest is accepted: older versions wrote it.

    Args:
        content: the file's bytes.
        where: the file's path or address, for the message.
        remedy: what the user can do about damage, for the message.

    Raises:
        DamagedFileError: the file is empty or no UTF-8, its last line is missing, or its lines do not match the digest.
    """
    body, newline, _ = content[:-1].rpartition(b"\n")
    body += newline
    last = _LAST_LINE.fullmatch(content[len(body) :])
    if last is not None and last[1].decode() != hashlib.sha256(body).hexdigest():
        raise DamagedFileError(where, "its lines do not match the digest in its last line", remedy)
    if last is None and (not content.strip() or content.startswith(_ANNOUNCED)):
        what = "it is empty" if not content.strip() else "its last line with the digest is missing"
        raise DamagedFileError(where, what, remedy)
    try:
        return (content if last is None else body.removeprefix(_ANNOUNCED)).decode()
    except UnicodeDecodeError as error:
        raise DamagedFileError(where, f"it is not UTF-8 ({error})", remedy) from error


def file_crc32(path: Path) -> int:
    """The CRC-32 of a file, read a piece at a time.

    Raises:
        OSError: the file cannot be read.
    """
    crc = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            crc = zlib.crc32(piece, crc)
    return crc


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
