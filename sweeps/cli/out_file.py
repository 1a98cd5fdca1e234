"""Where a command puts a text: the file that `--out` names, or standard output."""

from __future__ import annotations

from pathlib import Path

from causalmer_core.errors import UserError
from results.files import write_text


def put_out(text: str, out: Path | None) -> bool:
    """Write a text to a file, whole or not at all, or print it; whether it was a file.

    Raises:
        UserError: the file cannot be written.
    """
    if out is None:
        print(text, end="")
        return False
    try:
        write_text(out, text)
    except OSError as error:
        raise unwritable(out, error) from error
    return True


def unwritable(path: Path, error: OSError) -> UserError:
    """The error for a file that `--out` named, or could."""
    return UserError(f"cannot write {path}: {error.strerror or error}; choose another place with --out")
