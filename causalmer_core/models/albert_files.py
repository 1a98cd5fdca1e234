"""The files of an ALBERT in a local folder: their digest, and the error about wrong ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

from causalmer_core.basics.errors import UserError

_ALLOWED = (
    "allowed: a local folder with config.json and model.safetensors, as save_pretrained writes it, or no path "
    "for fresh weights"
)


def weights_digest(path: str) -> str:
    """SHA-256 of the configuration and the weights of the ALBERT in a folder, 64 hexadecimal digits.

    Raises:
        UserError: a file is missing or cannot be read.
    """
    digest = hashlib.sha256()
    for name in ("config.json", "model.safetensors"):
        try:
            with (Path(path) / name).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise no_albert(path, f"no readable {name} ({error.strerror})") from error
    return digest.hexdigest()


def no_albert(path: str, found: str) -> UserError:
    """The error about a folder without a usable ALBERT; `found` says what is wrong with it."""
    return UserError(f"model.text_branch.path: no ALBERT at {path!r}: {found}; {_ALLOWED}")
