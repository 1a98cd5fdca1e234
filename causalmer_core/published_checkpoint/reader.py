"""Reads tensors and names from a file of `torch.save` without running anything in it.

torch's own weights-only reader was tried on the same crafted files (torch 2.13): a compressed file of 1 MB took 1 GB of
memory, it read 7 malformed files, and its errors do not say what a refused file asks for.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from torch import Tensor

from causalmer_core.basics.errors import UserError
from causalmer_core.published_checkpoint.archive import TorchArchive
from causalmer_core.published_checkpoint.modules import InertModule, ModuleFactory
from causalmer_core.published_checkpoint.tensors import PickledTensor, Storages
from causalmer_core.restricted_pickle.instructions import DAMAGE, Source
from causalmer_core.restricted_pickle.machine import execute
from causalmer_core.restricted_pickle.refusal import MemoryBudget, PickleRefusedError

MAX_DEPTH = 64
"""The most modules that may lie in each other."""

MAX_MODULES = 20_000
MAX_TENSORS = 100_000
MAX_NAME = 1000

_WRAPPER = "module."
"""The prefix of every name under `torch.nn.DataParallel`."""

_STATED = {
    "fusion": ("fusion_mode",),
    "num_heads": ("tav_branch", "trans_l_mem", "layers", "0", "self_attn", "num_heads"),
    "attn_mask": ("tav_branch", "trans_l_mem", "attn_mask"),
    "albert_layers": ("t_branch", "model", "config", "num_hidden_layers"),
    "albert_heads": ("t_branch", "model", "config", "num_attention_heads"),
}
"""Plain attributes of published modules for settings that do not follow from the shapes of tensors.

The heads are those of the attention itself: the published code ignores its argument `tav_branch.num_heads`.
"""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """The contents of a published file.

    Attributes:
        tensors: parameters and buffers by their published names, on the CPU.
        stated: plain attributes of the modules by the names of `_STATED`: texts, whole numbers and flags. Empty for a
            state dict, which has no attributes.
        form: `whole module CLASS` or `state dict`.
    """

    tensors: dict[str, Tensor]
    stated: dict[str, str | int | bool]
    form: str


def read_published(path: Path | str) -> PublishedFile:
    """Read a file that `torch.save` of torch 1.6 or newer wrote of a whole module or of its state dict.

    Our own machine executes its pickle and calls nothing that the pickle names. Modules become inert, tensors are views
    of the file's records within checked bounds. Reading takes at most a few times the file's size in memory.

    Raises:
        UserError: the file is missing, damaged or of another format, or asks for anything else; the message names it.
    """
    path = Path(path)
    with TorchArchive(path) as archive:
        content = archive.read("data.pkl")
        factory = ModuleFactory(MemoryBudget.for_size(len(content)), Storages(archive))
        source = Source(io.BytesIO(content), len(content))
        try:
            contents = _contents(execute(source, factory))
            _check_total(contents.tensors, archive.size)
        except PickleRefusedError as error:
            _refuse(path, source.position, str(error))
        except DAMAGE as error:
            raise UserError(
                f"{path}: its data.pkl is not a whole pickle: at byte {source.position} of {len(content)}: "
                f"{type(error).__name__}: {str(error)[:120]}; was the file altered?"
            ) from error
    return contents


def _refuse(path: Path, position: int, reason: str) -> NoReturn:
    raise UserError(
        f"{path}: refused at byte {position} of its data.pkl: {reason}. Nothing of it was run. Allowed are modules of "
        "torch.nn, of ALBERT, of torchvision's ResNet and of the published code, tensors and plain values; if you "
        "trust the file, load it where it was made and write torch.save(model.state_dict(), FILE)"
    )


def _contents(root: Any) -> PublishedFile:
    if type(root) is InertModule:
        found = dict(_named_tensors(root))
        return PublishedFile(_unwrapped(found), dict(_stated(root)), f"whole module {root.class_name}")
    if type(root) is not dict:
        raise PickleRefusedError(f"it holds a {type(root).__name__}, no module and no state dict")
    for name, value in root.items():
        if type(name) is not str or type(value) is not PickledTensor:
            raise PickleRefusedError(
                f"it holds a dict whose entry {str(name)[:80]!r} is a {type(value).__name__}, no tensor; a state "
                "dict has tensors by their names"
            )
    return PublishedFile(_unwrapped({name: held.value for name, held in root.items()}), {}, "state dict")


def _named_tensors(root: InertModule) -> Iterator[tuple[str, Tensor]]:
    """Parameters and persistent buffers by their dotted names, as `state_dict` names them."""
    waiting, modules, tensors = [("", root, 0)], 1, 0
    while waiting:
        prefix, module, depth = waiting.pop()
        for name, tensor in _own_tensors(prefix, module):
            tensors += 1
            yield name, tensor
        children = list(_entries(prefix, module, "_modules", InertModule))
        modules += len(children)
        if depth >= MAX_DEPTH or modules > MAX_MODULES or tensors > MAX_TENSORS:
            raise PickleRefusedError(
                f"its modules lie {MAX_DEPTH} deep in each other or in themselves, or are more than {MAX_MODULES} "
                f"with more than {MAX_TENSORS} tensors"
            )
        waiting += [(f"{prefix}{name}.", child, depth + 1) for name, child in children]


def _own_tensors(prefix: str, module: InertModule) -> Iterator[tuple[str, Tensor]]:
    passing = module.state.get("_non_persistent_buffers_set", ())
    for kind in ("_parameters", "_buffers"):
        for name, value in _entries(prefix, module, kind, PickledTensor):
            if kind == "_parameters" or type(passing) is not set or name not in passing:
                yield prefix + name, value.value


def _entries(prefix: str, module: InertModule, kind: str, wanted: type) -> Iterator[tuple[str, Any]]:
    """The entries of one of a module's dicts; an entry of None is registered without a value."""
    entries = module.part(kind)
    if len(entries) > MAX_TENSORS:
        raise PickleRefusedError(f"{prefix} has {len(entries)} entries in its {kind}")
    for name, value in entries.items():
        if type(name) is not str or len(prefix) + len(name) > MAX_NAME:
            raise PickleRefusedError(f"{prefix} has a name that is no text, or too long, in its {kind}")
        if value is not None and type(value) is not wanted:
            raise PickleRefusedError(f"{prefix}{name} in its {kind} is a {type(value).__name__}")
        if value is not None:
            yield name, value


def _check_total(tensors: Mapping[str, Tensor], file_size: int) -> None:
    """Refuse tensors that share storages so often that copies of them would take far more memory than the file."""
    total = sum(tensor.numel() * tensor.itemsize for tensor in tensors.values())
    if total > 2 * file_size:
        raise PickleRefusedError(f"its tensors share storages: copies of them take {total} bytes")


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if tensors and all(name.startswith(_WRAPPER) for name in tensors):
        return {name.removeprefix(_WRAPPER): tensor for name, tensor in tensors.items()}
    return tensors


def _stated(root: InertModule) -> Iterator[tuple[str, str | int | bool]]:
    for name, path in _STATED.items():
        value: Any = root.part("_modules").get(_WRAPPER.rstrip("."), root)
        for key in path:
            if type(value) is not InertModule:
                break
            modules = value.part("_modules")
            value = modules[key] if key in modules else value.state.get(key)
        if type(value) in (str, int, bool):
            yield name, value
