"""From what was measured to what a trial gets: between two measures, over types of GPUs, with the margin."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.resources.gpu_share import MARGIN
from cluster.resources.trial_resources import GIB, TrialShare
from sweeps.gpu_memory.measures import MemorySample, measured_share, predicted_bytes


def measure(of: str, size: int, gib: float, kind: str = "H100", **values: Any) -> MemorySample:
    fields = {
        "of": of,
        "accelerator": kind,
        "config_id": "ab" * 8,
        "seeds": 1,
        "size": size,
        "peak": int(gib * GIB),
        "context": 0,
        "total": 80 * GIB,
        "host": 2 * GIB,
        "time": "2026-01-01T00:00:00.000000+00:00",
    }
    return MemorySample(**{**fields, **values})


BOTH = (measure("largest", 3000, 30), measure("drawn", 1000, 10))


@pytest.mark.parametrize(("size", "gib"), [(0, 10), (1000, 10), (2000, 20), (3000, 30), (9000, 30)])
def test_between_two_measures_lies_a_line_and_beyond_them_the_nearer_one(size: int, gib: float) -> None:
    assert predicted_bytes(size, BOTH) == pytest.approx(gib * GIB)


def test_one_measure_holds_for_all() -> None:
    assert predicted_bytes(1, BOTH[:1]) == predicted_bytes(10**9, BOTH[:1]) == 30 * GIB


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_what_counts_larger_gets_no_less(one: int, other: int) -> None:
    low, high = sorted((one, other))
    shares = [measured_share(size, BOTH, TrialShare()).gpu for size in (low, high)]
    assert 0 < shares[0] <= shares[1] <= 1


def test_a_trial_fits_on_every_type_of_gpu_that_it_may_get() -> None:
    small = measure("largest", 3000, 10, "L4", total=24 * GIB)
    assert (
        measured_share(0, [*BOTH, small], TrialShare()).gpu
        == measured_share(0, [small], TrialShare()).gpu
        == 0.5
    )


def test_memory_of_the_node_is_measured_where_none_is_given() -> None:
    assert measured_share(0, BOTH, TrialShare()).memory == pytest.approx(2 * (1 + MARGIN))
    assert measured_share(0, BOTH, TrialShare(memory=7.0)).memory == 7.0


def test_a_measure_says_what_takes_how_much_of_what() -> None:
    words = measure("largest", 3000, 9.5, context=GIB // 2, seeds=2).described()
    assert words == (
        "largest configuration abababab with 2 seeds side by side takes 10.00 GiB of a GPU of type H100 with 80.0 GiB, "
        "0.50 GiB of them for CUDA itself; with a margin of 15%: 1/6 of the GPU"
    )
