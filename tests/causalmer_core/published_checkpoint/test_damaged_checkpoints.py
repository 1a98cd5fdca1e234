"""Damaged checkpoints: tensors or an error to the user, whatever bytes are changed or cut off."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from crafted_checkpoints import archive, read, saved, small_module
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from causalmer_core.basics.errors import UserError


def tensors_or_refused(tmp_path: Path, data: bytes) -> bool:
    try:
        found = read(tmp_path, data)
    except UserError as error:
        return "model.pt" in str(error)
    return all(
        isinstance(value, Tensor) and bool((value == value).numel() < 10**6)
        for value in found.tensors.values()
    )


SAMPLE = saved(small_module())
with zipfile.ZipFile(io.BytesIO(SAMPLE)) as _sample:
    PICKLE = _sample.read("archive/data.pkl")
    RECORDS = {
        name.removeprefix("archive/"): _sample.read(name) for name in _sample.namelist() if "/data/" in name
    }
FLIPS = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6)
CUT = st.none() | st.integers(0, 2**16)
FUZZ = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def damaged(data: bytes, flips: list[tuple[int, int]], cut: int | None) -> bytes:
    changed = bytearray(data)
    for place, byte in flips:
        changed[place % len(changed)] = byte
    return bytes(changed if cut is None else changed[: cut % len(changed)])


@FUZZ
@given(flips=FLIPS, cut=CUT)
def test_a_damaged_file_is_tensors_or_an_error_to_the_user(
    tmp_path: Path, flips: list[tuple[int, int]], cut: int | None
) -> None:
    assert tensors_or_refused(tmp_path, damaged(SAMPLE, flips, cut))


@FUZZ
@given(flips=FLIPS, cut=CUT)
def test_a_damaged_pickle_in_a_whole_file_is_tensors_or_an_error_to_the_user(
    tmp_path: Path, flips: list[tuple[int, int]], cut: int | None
) -> None:
    assert tensors_or_refused(tmp_path, archive(damaged(PICKLE, flips, cut), RECORDS))


@FUZZ
@given(flips=FLIPS)
def test_a_damaged_directory_is_tensors_or_an_error_to_the_user(
    tmp_path: Path, flips: list[tuple[int, int]]
) -> None:
    start = SAMPLE.index(b"PK\x01\x02")
    assert tensors_or_refused(tmp_path, SAMPLE[:start] + damaged(SAMPLE[start:], flips, None))
