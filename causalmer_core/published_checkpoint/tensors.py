"""Our own makers of the storages and tensors of a checkpoint.

torch's `_rebuild_*` functions are never called. A storage is made once, from the bytes of its record. A tensor is a
view of it; its offset, sizes and strides are checked against the storage first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor

from causalmer_core.published_checkpoint.archive import TorchArchive
from causalmer_core.restricted_pickle.refusal import MemoryBudget, PickleRefusedError, short_value

STORAGE_TYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
"""The names of storage types in `torch` that a file may use."""

_MAX_DIMENSIONS = 16


@final
class StorageType:
    """Our inert value for `torch.<name>` of `STORAGE_TYPES`."""

    __slots__ = ("dtype",)

    def __init__(self, name: str) -> None:
        self.dtype = STORAGE_TYPES[name]


@final
class PickledStorage:
    """A storage, with its values as a flat tensor."""

    __slots__ = ("values",)

    def __init__(self, values: Tensor) -> None:
        self.values = values


@final
class PickledTensor:
    """A tensor or parameter."""

    __slots__ = ("value",)

    def __init__(self, value: Tensor) -> None:
        self.value = value


@final
class Storages:
    """The storages of an archive by their persistent ids, each read once."""

    def __init__(self, archive: TorchArchive) -> None:
        self._archive = archive
        self._read: dict[str, PickledStorage] = {}

    def find(self, identifier: object) -> PickledStorage:
        """The storage of `('storage', type, key, location, numel)`; the location is not used.

        Raises:
            PickleRefusedError: the id has another form, or its record is missing or of another size.
        """
        if type(identifier) is not tuple or len(identifier) != 5 or identifier[0] != "storage":
            raise PickleRefusedError(f"it has a persistent id that is no storage ({short_value(identifier)})")
        _, kind, key, _, numel = identifier
        if type(kind) is not StorageType or type(key) is not str or type(numel) is not int:
            raise PickleRefusedError("it has the persistent id of a storage with a wrong type, key or size")
        if key not in self._read:
            self._read[key] = PickledStorage(self._values(kind.dtype, key, numel))
        found = self._read[key]
        if found.values.dtype != kind.dtype or found.values.numel() != numel:
            raise PickleRefusedError(f"it asks for storage {key[:40]!r} in two types or sizes")
        return found

    def _values(self, dtype: torch.dtype, key: str, numel: int) -> Tensor:
        name = f"data/{key}"
        size = self._archive.size_of(name)
        if size is None:
            raise PickleRefusedError(f"it asks for storage {key[:40]!r}, and the file has no such record")
        if size != numel * dtype.itemsize:
            raise PickleRefusedError(
                f"it asks for {numel} values of {dtype} in storage {key[:40]!r}, whose record has {size} bytes"
            )
        if size == 0:
            return torch.empty(0, dtype=dtype)
        content = self._archive.read(name)
        if dtype == torch.bool:
            return torch.frombuffer(content, dtype=torch.uint8) != 0
        return torch.frombuffer(content, dtype=dtype)


def rebuilt_tensor(
    _: MemoryBudget, storage: object, offset: object, size: object, stride: object, *__: object
) -> PickledTensor:
    """`torch._utils._rebuild_tensor_v2`: a view of a storage.

    Raises:
        PickleRefusedError: the view reaches outside its storage, or has more values than the storage.
    """
    if type(storage) is not PickledStorage or type(offset) is not int or offset < 0:
        raise PickleRefusedError("it has a tensor without a storage or an offset")
    sizes, strides = _whole_numbers("size", size), _whole_numbers("stride", stride)
    if len(sizes) != len(strides):
        raise PickleRefusedError(f"it has a tensor of size {sizes} and strides {strides}")
    values = storage.values
    count = math.prod(sizes)
    last = (
        offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True)) if count else offset - 1
    )
    if last >= values.numel() or count > values.numel() or math.prod(n or 1 for n in sizes) >= 2**62:
        raise PickleRefusedError(
            f"it has a tensor of size {sizes}, strides {strides}, offset {offset} outside its storage of "
            f"{values.numel()} values"
        )
    return PickledTensor(values.as_strided(sizes, strides, offset) if count else values.new_empty(sizes))


def rebuilt_parameter(_: MemoryBudget, data: object, *__: object) -> PickledTensor:
    """`torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`: the tensor alone."""
    if type(data) is not PickledTensor:
        raise PickleRefusedError(f"it has a parameter that is {short_value(data)}, not a tensor")
    return data


TENSOR_MAKERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch._utils", "_rebuild_tensor_v2"): rebuilt_tensor,
    ("torch._utils", "_rebuild_parameter"): rebuilt_parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): rebuilt_parameter,
}
"""Functions that a pickle may name, by exact module and name, and our functions in their place."""


def _whole_numbers(what: str, value: object) -> tuple[int, ...]:
    if (
        type(value) is not tuple
        or len(value) > _MAX_DIMENSIONS
        or any(type(n) is not int or not 0 <= n < 2**62 for n in value)
    ):
        raise PickleRefusedError(
            f"the {what} of a tensor is not a tuple of at most {_MAX_DIMENSIONS} whole numbers"
        )
    return value
