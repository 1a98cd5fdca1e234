"""Digests inside files: a reader gets what was written, or an error that names file, damage and remedy.

A digested JSON file has the key `sha256` behind all others. It is the SHA-256 of the tree without that key, as
canonical JSON (sorted keys, no spaces). So layout and order of the text may change, and no value may.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from causalmer_core.basics.errors import UserError

DIGEST = "sha256"
"""The key of the digest in a JSON file."""

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
    content: bytes, where: Path | str, *, remedy: str, may_lack: bool = False
) -> dict[str, Any]:
    """The tree of a JSON file, without its digest.

    Args:
        content: the file's bytes.
        where: the file's path or address, for the message.
        remedy: what the user can do about damage, for the message.
        may_lack: accept a file without a digest, as older versions wrote it.

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
    if found is None and may_lack:
        return tree
    if found is None:
        raise DamagedFileError(where, f"its digest (key {DIGEST!r}) is missing", remedy)
    if found != digest_of(tree):
        raise DamagedFileError(where, f"its values do not match its digest (key {DIGEST!r})", remedy)
    return tree


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
