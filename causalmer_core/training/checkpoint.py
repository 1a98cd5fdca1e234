"""Checkpoints: one safetensors file each, written whole.

`last.safetensors` holds the state that training resumes from: weights and buffers, the optimiser's state, and all other
values as JSON in the file's metadata. `best.safetensors` holds the weights of the best epoch. No random state is
stored: every stream is derived from the seed and the epoch (see `causalmer_core.basics.seeding`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import remove_stale_asides, write_bytes

FORMAT = 1


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors and JSON metadata, whole or not at all.

    No other process may write to `path` meanwhile: unfinished files of killed writers are removed.

    Raises:
        OSError: writing failed.
        TypeError: the metadata is no JSON.
    """
    content = save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
        {"causalmer": json.dumps({"format": FORMAT, **metadata})},
    )
    # Each kill in the middle of a write leaves a file as large as the weights. One process at a time trains a run.
    remove_stale_asides(path.parent, path.name)
    write_bytes(path, content)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the metadata of a checkpoint.

    Raises:
        UserError: the file is missing, damaged, or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {}).get("causalmer", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"{path}: not a readable checkpoint ({error})") from error
    found = metadata.get("format") if isinstance(metadata, dict) else None
    if found != FORMAT:
        raise UserError(f"{path}: checkpoint format {found!r}; allowed: {FORMAT}")
    return tensors, metadata


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
