"""Our own makers of the arrays in a pickle, under NumPy's names.

NumPy's own `_reconstruct`, `dtype` and `ndarray.__setstate__` are never called: a crafted dtype state crashes the
interpreter even with an exact list of allowed names. Each maker here checks its arguments and builds the array with
`np.frombuffer` from bytes of the file, so no array is larger than its data. Over a view of the file the array is a view
too, in the byte order of the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalmer_core.restricted_pickle.machine import Maker, ObjectFactory
from causalmer_core.restricted_pickle.plain import PLAIN_MAKERS, as_bytes
from causalmer_core.restricted_pickle.refusal import MemoryBudget, PickleRefusedError, short_value


class NdarrayType:
    """Our inert value for `numpy.ndarray`, the first argument of `_reconstruct`."""

    __slots__ = ()


class PickledDtype:
    """A dtype while it is read: its specification (`"f4"`), then its state, of which only the byte order is used."""

    __slots__ = ("_order", "_spec")
    _SPEC = re.compile(r"b1|[iu][1248]|f[248]|[SU][1-9][0-9]{0,5}|O[48]?")

    def __init__(self, spec: object) -> None:
        text = spec.decode("latin-1") if isinstance(spec, bytes) else spec
        if not isinstance(text, str) or not self._SPEC.fullmatch(text):
            raise PickleRefusedError(
                f"it has an array of dtype {short_value(text)}; allowed are booleans, integers, floats of at most "
                "8 bytes, text, and objects that are text or numbers"
            )
        self._spec = text
        self._order = "="

    def set_state(self, state: object) -> None:
        """Take the byte order from the state; refuse subarrays, fields and sizes that differ."""
        if type(state) is not tuple or not 5 <= len(state) <= 9:
            raise PickleRefusedError("the state of a dtype is not one that NumPy writes")
        order, *compound = state[1:5]
        if order not in ("<", ">", "|", "=", b"<", b">", b"|", b"=") or any(x is not None for x in compound):
            raise PickleRefusedError("the state of a dtype has a subarray, fields or an unknown byte order")
        if len(state) > 5 and state[5] not in (-1, self._itemsize()):
            raise PickleRefusedError(
                f"the state of a dtype gives {short_value(state[5])} bytes for {self._spec!r}"
            )
        self._order = order.decode() if isinstance(order, bytes) else order

    def _itemsize(self) -> int:
        return -1 if self.is_object else np.dtype(self._spec).itemsize

    @property
    def is_object(self) -> bool:
        """Whether the array holds Python objects."""
        return self._spec.startswith("O")

    def in_file(self) -> np.dtype[Any]:
        """The real dtype, in the byte order of the file."""
        return np.dtype(self._spec).newbyteorder("=" if self._order == "|" else self._order)  # type: ignore[arg-type]


class PickledArray:
    """An array while it is read: empty until its state is set."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: NDArray[Any] | None = None

    def set_state(self, budget: MemoryBudget, state: object) -> None:
        """Build the array from `(version, shape, dtype, is_fortran, data)`."""
        if type(state) is not tuple or len(state) != 5:
            raise PickleRefusedError("the state of an array is not one that NumPy writes")
        _, shape, dtype, fortran, data = state
        self.value = _array(budget, data, dtype, shape, "F" if fortran else "C")


def _checked_shape(shape: object) -> tuple[int, ...]:
    if (
        type(shape) is not tuple
        or len(shape) > 32
        or any(type(n) is not int or not 0 <= n < 2**62 for n in shape)
    ):
        raise PickleRefusedError("the shape of an array is not a tuple of at most 32 whole numbers")
    return shape


def _object_array(data: object, shape: tuple[int, ...]) -> NDArray[Any]:
    """An array of plain objects from the list that NumPy writes for it."""
    if type(data) is not list or len(data) != math.prod(shape):
        raise PickleRefusedError(f"an array of objects of shape {shape} does not come with as many objects")
    if any(type(x) not in (str, bytes, int, float, bool, type(None)) for x in data):
        raise PickleRefusedError("an array of objects has something other than text, bytes and numbers in it")
    array: NDArray[Any] = np.empty(len(data), dtype=object)
    array[:] = data
    return array


def _simple_array(
    data: bytes | bytearray | memoryview, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    """A flat array over the bytes, with no value that its dtype cannot have; views keep the file's byte order."""
    if math.prod(shape) * dtype.itemsize != len(data):
        raise PickleRefusedError(
            f"an array of shape {shape} and dtype {dtype} needs {math.prod(shape) * dtype.itemsize} bytes, "
            f"and {len(data)} are given"
        )
    if dtype.kind == "b":
        return np.asarray(np.frombuffer(data, dtype=np.uint8) != 0)
    array = np.frombuffer(data, dtype=dtype)
    if not dtype.isnative and not (isinstance(data, memoryview) and dtype.kind in "iuf"):
        array = array.astype(dtype.newbyteorder("="))
    if dtype.kind == "U" and array.size and array.view(np.uint32).max() > 0x10FFFF:
        raise PickleRefusedError("an array of text has a character that does not exist")
    return array


def _array(budget: MemoryBudget, data: object, dtype: object, shape: object, order: object) -> NDArray[Any]:
    if not isinstance(dtype, PickledDtype):
        raise PickleRefusedError("an array has no dtype")
    dimensions = _checked_shape(shape)
    if dtype.is_object:
        flat = _object_array(data, dimensions)
    else:
        flat = _simple_array(as_bytes(data), dtype.in_file(), dimensions)
    budget.spend(flat.nbytes)
    return flat.reshape(dimensions, order="F" if order == "F" else "C")


def _reconstruct(_: MemoryBudget, kind: object, *__: object) -> PickledArray:
    if not isinstance(kind, NdarrayType):
        raise PickleRefusedError("it asks for an array of a type other than numpy.ndarray")
    return PickledArray()


def _dtype(_: MemoryBudget, spec: object, *__: object) -> PickledDtype:
    return PickledDtype(spec)


def _scalar(budget: MemoryBudget, dtype: object, data: object = b"") -> object:
    """A NumPy scalar, as the plain Python number or text that it equals."""
    if isinstance(dtype, PickledDtype) and dtype.is_object:
        raise PickleRefusedError("it has a scalar of dtype object")
    return _array(budget, data, dtype, (), "C").item()


def _frombuffer(
    budget: MemoryBudget, data: object, dtype: object, shape: object, order: object, axes: object = None
) -> PickledArray:
    """Protocol 5. With order `K` the data lies in the order of `axes`, which are transposed afterwards."""
    array = PickledArray()
    array.value = _array(budget, data, dtype, shape, order)
    if order == "K" and axes is not None:
        wanted = _checked_shape(axes)
        if sorted(wanted) != list(range(array.value.ndim)):
            raise PickleRefusedError("the axes of an array are not an order of its dimensions")
        array.value = array.value.transpose(wanted)
    return array


ARRAY_MAKERS: dict[tuple[str, str], Callable[..., object]] = {
    **PLAIN_MAKERS,
    ("numpy", "dtype"): _dtype,
    **{(f"{core}.multiarray", "_reconstruct"): _reconstruct for core in ("numpy.core", "numpy._core")},
    **{(f"{core}.multiarray", "scalar"): _scalar for core in ("numpy.core", "numpy._core")},
    **{(f"{core}.numeric", "_frombuffer"): _frombuffer for core in ("numpy.core", "numpy._core")},
}
"""Functions that a pickle of data may name, by exact module and name, and our functions in their place."""


class ArrayFactory(ObjectFactory):
    """Plain data and NumPy arrays, and nothing else."""

    def named(self, module: str, name: str) -> object:
        """Our stand-in for `numpy.ndarray` or for one of `ARRAY_MAKERS`."""
        if (module, name) == ("numpy", "ndarray"):
            return NdarrayType()
        if (module, name) in ARRAY_MAKERS:
            return Maker(ARRAY_MAKERS[module, name])
        return super().named(module, name)

    def build(self, target: object, state: object) -> None:
        """Give an array or a dtype its state."""
        if type(target) is PickledArray:
            target.set_state(self.budget, state)
        elif type(target) is PickledDtype:
            target.set_state(state)
        else:
            super().build(target, state)
