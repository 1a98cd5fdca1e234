"""Checkpoints: one safetensors file each, written whole, with a digest that is checked on reading.

`last.safetensors` holds the state that training resumes from: weights and buffers, the optimiser's state, and all other
values as JSON in the file's metadata. `best.safetensors` holds the weights of the best epoch. No random state is
stored: every stream is derived from the seed and the epoch (see `causalmer_core.basics.seeding`).

The metadata has two texts: `causalmer`, the plain values, and `sha256`. The digest is the SHA-256 of the whole file,
with 64 zeros in the place of the digest. So it covers the header, the plain values and every tensor. Later formats keep
the digest where it is, so damage is told from a later format. Files of format 1 have no digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from causalmer_core.basics.digests import DIGEST, DamagedFileError, is_newer, newer_format
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import remove_stale_asides, write_bytes

FORMAT = 2
REMEDY = "restore the file from a copy, or make it again"

_PLAIN = "causalmer"
_BLANK = "0" * 64
_UNREADABLE = "it is not a readable checkpoint"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors and JSON metadata with their digest, whole or not at all.

    No other process may write to `path` meanwhile: unfinished files of killed writers are removed.

    Raises:
        OSError: writing failed.
        TypeError: the metadata is no JSON.
    """
    blank = save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        {_PLAIN: json.dumps({"format": FORMAT, **metadata}), DIGEST: _BLANK},
    )
    start, end = _place(blank, _BLANK)
    # Each kill in the middle of a write leaves a file as large as the weights. One process at a time trains a run.
    remove_stale_asides(path.parent, path.name)
    write_bytes(path, blank[:start] + hashlib.sha256(blank).hexdigest().encode() + blank[end:])


def load_tensors(path: Path, *, remedy: str = REMEDY) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the metadata of a checkpoint, as they were written.

    Args:
        path: the file.
        remedy: what the user can do about a damaged file, for the message.

    Raises:
        DamagedFileError: the file is missing, another kind of file, or not as it was written.
        UserError: the file cannot be read, or a newer version wrote it.
    """
    content = _content(path, remedy)
    try:
        plain, digest = _metadata(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = "it is empty" if not content else f"{_UNREADABLE} (no metadata of causalmer)"
        raise DamagedFileError(path, what, remedy) from error
    if digest is not None and not _matches(content, digest):
        raise DamagedFileError(path, "its bytes do not match its digest", remedy)
    found = plain.get("format")
    if is_newer(found, FORMAT):
        raise newer_format(path, "checkpoint format", found, FORMAT)
    if found not in (1, FORMAT):
        raise DamagedFileError(path, f"{_UNREADABLE} (format {found!r})", remedy)
    if found == FORMAT and digest is None:
        raise DamagedFileError(path, f"its digest (key {DIGEST!r}) is missing", remedy)
    try:
        return load(content), plain
    except (SafetensorError, ValueError, KeyError, TypeError, AssertionError, RuntimeError) as error:
        raise DamagedFileError(path, f"{_UNREADABLE} ({error})", remedy) from error


def _content(path: Path, remedy: str) -> bytes:
    # Read whole, not mapped: a mapped file that another process cuts ends this process with a signal.
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedFileError(path, "it is missing", remedy) from error
    except IsADirectoryError as error:
        raise DamagedFileError(path, f"{_UNREADABLE} (a folder)", remedy) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error


def _metadata(content: bytes) -> tuple[dict[str, Any], str | None]:
    """The plain values and the digest in a safetensors file's header; None: it has no digest."""
    size = int.from_bytes(content[:8], "little")
    texts = json.loads(content[8 : 8 + size])["__metadata__"]
    plain = json.loads(texts[_PLAIN])
    if not isinstance(plain, dict):
        raise TypeError("the metadata is no JSON object")
    return plain, texts.get(DIGEST)


def _place(content: bytes, digest: str) -> tuple[int, int]:
    """Where the digest starts and ends in a file.

    Raises:
        ValueError: it is not there in the form in which it was written.
    """
    # Quotes within the other text are escaped, so this text stands in the header once, before the tensors.
    key = f'"{DIGEST}":"'.encode()
    start = content.index(key + digest.encode() + b'"') + len(key)
    return start, start + len(digest)


def _matches(content: bytes, digest: object) -> bool:
    if not isinstance(digest, str) or len(digest) != len(_BLANK):
        return False
    try:
        start, end = _place(content, digest)
    except ValueError:
        return False
    whole = memoryview(content)
    sha256 = hashlib.sha256(whole[:start])
    sha256.update(_BLANK.encode())
    sha256.update(whole[end:])
    return sha256.hexdigest() == digest


def pack_optimiser(optimiser: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """An optimiser's state as named tensors and plain values."""
    state = optimiser.state_dict()
    tensors = {
        f"optimiser.{index}.{name}": value
        for index, slots in state["state"].items()
        for name, value in slots.items()
        if isinstance(value, Tensor)
    }
    return tensors, {"param_groups": state["param_groups"]}


def unpack_optimiser(
    optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]
) -> None:
    """Restore an optimiser's state from the result of `pack_optimiser`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        prefix, _, rest = key.partition(".")
        if prefix == "optimiser":
            index, _, name = rest.partition(".")
            state.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": plain["param_groups"]})
