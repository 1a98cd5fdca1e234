"""Tensors and names from a file of `torch.save`; nothing in the file is run."""

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
"""How deeply modules may lie in each other."""

MAX_MODULES = 20_000
MAX_TENSORS = 100_000
MAX_NAME = 1000

_WRAPPER = "module."
"""What `torch.nn.DataParallel` puts before every name."""

_STATED = {
    "fusion": ("fusion_mode",),
    "num_heads": ("tav_branch", "trans_l_mem", "layers", "0", "self_attn", "num_heads"),
    "attn_mask": ("tav_branch", "trans_l_mem", "attn_mask"),
    "albert_layers": ("t_branch", "model", "config", "num_hidden_layers"),
    "albert_heads": ("t_branch", "model", "config", "num_attention_heads"),
}
"""Where published modules keep, as plain attributes, what the shapes of tensors cannot say.

The heads are those of the attention itself: `tav_branch.num_heads` is an argument that the published code ignores.
"""


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """What was taken from a file.

    Attributes:
        tensors: parameters and buffers by their published names, on the CPU.
        stated: plain attributes of the modules by the names of `_STATED`; texts, whole numbers and flags only. None of
            a state dict, which has no attributes.
        form: `whole module CLASS` or `state dict`.
    """

    tensors: dict[str, Tensor]
    stated: dict[str, str | int | bool]
    form: str


def read_published(path: Path | str) -> PublishedFile:
    """Read a file that `torch.save` of torch 1.6 or newer wrote of a whole module or of its state dict.

    The pickle in it is carried out by our own machine, which calls nothing that it names: modules become shells,
    tensors are views of the file's records, checked against their bounds. All of it takes at most a few times as
    much memory as the file has bytes.

    Raises:
        UserError: the file is missing, damaged, of another format, or asks for anything else (the message names it).
    """
    path = Path(path)
    with TorchArchive(path) as archive:
        content = archive.read("data.pkl")
        factory = ModuleFactory(MemoryBudget.for_size(len(content)), Storages(archive))
        source = Source(io.BytesIO(content), len(content))
        try:
            taken = _taken(execute(source, factory))
            _check_total(taken.tensors, archive.size)
        except PickleRefusedError as error:
            _refuse(path, source.position, str(error))
        except DAMAGE as error:
            raise UserError(
                f"{path}: its data.pkl is not a whole pickle: at byte {source.position} of {len(content)}: "
                f"{type(error).__name__}: {str(error)[:120]}; was the file altered?"
            ) from error
    return taken


def _refuse(path: Path, position: int, reason: str) -> NoReturn:
    raise UserError(
        f"{path}: refused at byte {position} of its data.pkl: {reason}. Nothing of it was run. Allowed are modules of "
        "torch.nn, of ALBERT, of torchvision's ResNet and of the published code, tensors and plain values; if you "
        "trust the file, load it where it was made and write torch.save(model.state_dict(), FILE)"
    )


def _taken(root: Any) -> PublishedFile:
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
        prefix, shell, depth = waiting.pop()
        for name, tensor in _own_tensors(prefix, shell):
            tensors += 1
            yield name, tensor
        children = _children(prefix, shell)
        modules += len(children)
        if depth >= MAX_DEPTH or modules > MAX_MODULES or tensors > MAX_TENSORS:
            raise PickleRefusedError(
                f"its modules lie {MAX_DEPTH} deep in each other or in themselves, or are more than {MAX_MODULES} "
                f"with more than {MAX_TENSORS} tensors"
            )
        waiting += [(f"{name}.", child, depth + 1) for name, child in children]


def _own_tensors(prefix: str, shell: InertModule) -> Iterator[tuple[str, Tensor]]:
    passing = shell.state.get("_non_persistent_buffers_set", ())
    for kind in ("_parameters", "_buffers"):
        for name, value in _entries(prefix, shell, kind, PickledTensor):
            if kind == "_parameters" or type(passing) is not set or name not in passing:
                yield prefix + name, value.value


def _children(prefix: str, shell: InertModule) -> list[tuple[str, InertModule]]:
    return [(prefix + name, child) for name, child in _entries(prefix, shell, "_modules", InertModule)]


def _entries(prefix: str, shell: InertModule, kind: str, wanted: type) -> Iterator[tuple[str, Any]]:
    """The entries of one of a module's dicts; None stands for one that is registered and not there."""
    entries = shell.part(kind)
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
    """Tensors may share storages, though not so often that copies of them would take memory without bound."""
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
