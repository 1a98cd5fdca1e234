"""Inert modules of a checkpoint: the names of their classes and their states, and no code.

`torch.save(model)` writes every module as "a new object of class C, with this `__dict__`". Here that makes an
`InertModule`, whatever C is; no class is looked up, imported or called. The names of classes, and of functions kept as
attributes, must be in a list all the same, so that the error about any other file can name what it asks for.
"""

from __future__ import annotations

import re
from typing import Any, final

from causalmer_core.published_checkpoint.tensors import (
    STORAGE_TYPES,
    TENSOR_MAKERS,
    PickledTensor,
    Storages,
    StorageType,
    rebuilt_parameter,
)
from causalmer_core.restricted_pickle.arrays import ArrayFactory
from causalmer_core.restricted_pickle.machine import Maker
from causalmer_core.restricted_pickle.plain import check_key
from causalmer_core.restricted_pickle.refusal import MemoryBudget, PickleRefusedError, short_value

_CLASSES = re.compile(
    r"torch\.nn\.modules\.[a-z]\w*\.\w+"
    r"|torch\.nn\.parallel\.data_parallel\.DataParallel"
    r"|transformers\.(models\.albert\.)?(modeling|configuration)_albert\.Albert\w+"
    r"|transformers\.activations\.\w+"
    r"|torchvision\.models\.resnet\.(ResNet|BasicBlock|Bottleneck)"
    r"|(src|modules)(\.[a-z_]\w*)+\.[A-Z]\w*"  # the published code's own
    r"|argparse\.Namespace",
    re.ASCII,
)
_FUNCTIONS = re.compile(
    r"torch\.nn\.functional\.[a-z]\w*|torch\._C\._nn\.[a-z]\w*|torch\.(Tensor|nn\.parameter\.Parameter)",
    re.ASCII,
)
"""Functions that modules keep as attributes, such as an activation; kept as a name and never called."""

_DTYPES = frozenset(
    ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
)


@final
class ClassReference:
    """The name of a class or a function in a pickle. It does nothing."""

    __slots__ = ("is_class", "name")

    def __init__(self, name: str, *, is_class: bool) -> None:
        self.name = name
        self.is_class = is_class


@final
class InertModule:
    """An object of a class of which only the name is used, with its `__dict__`."""

    __slots__ = ("class_name", "state")

    def __init__(self, class_name: str) -> None:
        self.class_name = class_name
        self.state: dict[Any, Any] = {}

    def part(self, kind: str) -> dict[Any, Any]:
        """Its `_parameters`, `_buffers` or `_modules`; empty if it has none."""
        found = self.state.get(kind, {})
        if type(found) is not dict:
            raise PickleRefusedError(f"{self.class_name} has {short_value(found)} as its {kind}")
        return found


@final
class ModuleFactory(ArrayFactory):
    """The objects of pickled modules and state dicts: plain data, tensors, and inert modules.

    Args:
        budget: the memory that all made objects may take.
        storages: the storages of the persistent ids.
    """

    def __init__(self, budget: MemoryBudget, storages: Storages) -> None:
        super().__init__(budget)
        self._storages = storages

    def named(self, module: str, name: str) -> object:
        """A maker of ours, or an inert value."""
        whole = f"{module}.{name}"
        if (module, name) in _MAKERS:
            return _MAKERS[module, name]
        if module == "torch" and name in STORAGE_TYPES:
            return StorageType(name)
        if module == "torch" and name in _DTYPES:
            return whole
        if "." not in name and _CLASSES.fullmatch(whole):
            return ClassReference(whole, is_class=True)
        if "." not in name and _FUNCTIONS.fullmatch(whole):
            return ClassReference(whole, is_class=False)
        return super().named(module, name)

    def call(self, function: object, arguments: tuple[Any, ...]) -> object:
        """The result of one of our makers. A class or function of the file is never called."""
        if type(function) is ClassReference:
            raise PickleRefusedError(f"it calls {function.name}")
        return super().call(function, arguments)

    def new(self, kind: object, arguments: tuple[Any, ...]) -> object:
        """An inert module for an object of a class."""
        if type(kind) is not ClassReference or not kind.is_class or arguments:
            named = kind.name if type(kind) is ClassReference else f"a {type(kind).__name__}"
            raise PickleRefusedError(f"it makes an object of {named} that is no module")
        return InertModule(kind.name)

    def build(self, target: object, state: object) -> None:
        """Give an inert module its state. Attributes of a dict (a state dict's `_metadata`) are dropped."""
        if type(target) is InertModule:
            target.state = _attributes(target, state)
        elif type(target) is not dict or type(state) is not dict:
            super().build(target, state)

    def persistent(self, identifier: object) -> object:
        """The storage of an id."""
        return self._storages.find(identifier)


def _attributes(target: InertModule, state: object) -> dict[Any, Any]:
    """An object's `__dict__`, from the state of `BUILD`: a dict, or a pair of it and the slots."""
    if type(state) is tuple and len(state) == 2 and state[1] is None:
        state = state[0]
    if type(state) is not dict:
        raise PickleRefusedError(f"it sets the state of a {target.class_name} to {short_value(state)}")
    return state


def _ordered_dict(budget: MemoryBudget, items: object = None) -> dict[Any, Any]:
    """`collections.OrderedDict`; its items mostly follow one by one."""
    result: dict[Any, Any] = {}
    for pair in items if type(items) is list else []:
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise PickleRefusedError("it makes a collections.OrderedDict of something other than pairs")
        check_key(pair[0])
        result[pair[0]] = pair[1]
    budget.spend(64 * len(result))
    return result


def _size(_: MemoryBudget, numbers: object = ()) -> tuple[Any, ...]:
    if type(numbers) is not tuple or any(type(n) is not int for n in numbers):
        raise PickleRefusedError("it makes a torch.Size of something other than whole numbers")
    return numbers


def _device(_: MemoryBudget, kind: object, index: object = None) -> str:
    if type(kind) is not str or type(index) not in (int, type(None)):
        raise PickleRefusedError("it makes a torch.device of something other than a text and a number")
    return kind if index is None else f"{kind}:{index}"


def _tensor_of_type(
    budget: MemoryBudget, function: object, kind: object, arguments: object, *_: object
) -> PickledTensor:
    """`torch._tensor._rebuild_from_type_v2`: a tensor with attributes, which are dropped."""
    if type(function) is not Maker or function.make not in TENSOR_MAKERS.values():
        raise PickleRefusedError("it makes a tensor by a function that is not torch's own")
    if type(arguments) is not tuple or type(kind) is not ClassReference:
        raise PickleRefusedError("it makes a tensor of a type that is not torch's own")
    return rebuilt_parameter(budget, function.make(budget, *arguments))


_MAKERS = {
    **{name: Maker(make) for name, make in TENSOR_MAKERS.items()},
    ("torch._tensor", "_rebuild_from_type_v2"): Maker(_tensor_of_type),
    ("torch", "Size"): Maker(_size),
    ("torch", "device"): Maker(_device),
    ("collections", "OrderedDict"): Maker(_ordered_dict),
}
