"""Arrays that stay in a pickle's file are the arrays that would have been read, and take no memory."""

from __future__ import annotations

import mmap
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causalmer_core.datasets.reading.layouts.unpickle import load_plain
from causalmer_core.datasets.statistics import release_pages

ORDERS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x).transpose(1, 0, 2),
    "sliced": lambda x: x[::2],
}
DTYPES = ("<f4", ">f4", "<f8", ">f8", "<f2", "<i8", ">i4", "u1", "?", "<U3", ">U3", "S4")


def in_file(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array lies in a memory map."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    protocol=st.integers(2, 5),
    dtype=st.sampled_from(DTYPES),
    order=st.sampled_from(sorted(ORDERS)),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
    seed=st.integers(0, 2**16),
)
def test_lazy_and_eager_reading_give_equal_arrays(
    tmp_path: Path, protocol: int, dtype: str, order: str, shape: tuple[int, int, int], seed: int
) -> None:
    numbers = np.random.default_rng(seed).integers(0, 100, size=shape)
    array = ORDERS[order](numbers.astype(dtype))
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"a": array, "again": [array]}, protocol))
    eager: Any = load_plain(path, view_above=None)
    lazy: Any = load_plain(path, view_above=0)
    assert lazy["again"][0] is lazy["a"]
    for found in (eager["a"], lazy["a"]):
        np.testing.assert_array_equal(found, array)
        assert found.shape == array.shape
        assert found.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
    assert not in_file(eager["a"])
    long_enough = array.nbytes > 255  # shorter bytes have an instruction of their own
    if protocol > 2 and array.dtype.kind in "fiu" and long_enough:
        assert in_file(lazy["a"])
        assert not lazy["a"].flags.writeable


@pytest.mark.parametrize("view_above", [None, 0])
def test_the_strings_of_python_2_are_arrays_too(tmp_path: Path, view_above: int | None) -> None:
    array = np.arange(600, dtype=np.float32).reshape(5, 120)
    written = pickle.dumps(array, 3)
    place = written.index(b"B" + struct.pack("<I", array.nbytes))
    path = tmp_path / "a.pkl"
    path.write_bytes(written[:place] + b"T" + written[place + 1 :])
    found: Any = load_plain(path, view_above=view_above)
    np.testing.assert_array_equal(found, array)
    assert in_file(found) == (view_above == 0)


@pytest.mark.parametrize("protocol", range(3, 6))
@pytest.mark.parametrize("value", [b"\x00\xffab" * 200, bytearray(b"\x00\xffab" * 200)])
def test_bytes_that_are_no_array_come_as_bytes(tmp_path: Path, value: Any, protocol: int) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps([value, value], protocol))
    first, second = load_plain(path, view_above=0)  # type: ignore[misc]
    assert (type(first), first) == (type(value), value)
    assert second is first


def test_a_long_text_of_python_2_comes_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(b"\x80\x02T" + struct.pack("<i", 300) + b"\xe9" * 300 + b".")
    assert load_plain(path, view_above=0) == "é" * 300


def test_small_arrays_are_read_and_large_ones_stay(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps([np.zeros(1000), np.zeros(200_000)], 4))
    small, large = load_plain(path)  # type: ignore[misc]
    assert (in_file(small), in_file(large)) == (False, True)


def test_numbers_are_there_again_after_their_memory_was_given_back(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=300_000)
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(array, 4))
    np.save(tmp_path / "a.npy", array)
    lazy: Any = load_plain(tmp_path / "a.pkl")
    for found in (lazy, np.load(tmp_path / "a.npy", mmap_mode="r")):
        for _ in range(2):
            np.testing.assert_array_equal(found, array)
            release_pages(found)


def test_changes_to_a_private_map_are_not_given_back(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(5000))
    private = np.load(tmp_path / "a.npy", mmap_mode="c")
    private[:] = 7
    release_pages(private)
    assert (private == 7).all()


def test_what_is_no_memory_map_is_left_alone() -> None:
    for value in (np.ones(3), np.ones(3)[1:], [1], None):
        release_pages(value)
