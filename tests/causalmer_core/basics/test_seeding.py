"""Named streams: apart from one another, the same everywhere, and without a trace."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from causalmer_core.basics.seeding import derive, drawing_from, numpy_stream

SEEDS = st.integers(0, 2**31)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=8)
PARTS = st.lists(st.integers(0, 999) | st.sampled_from(["epoch", "text"]), max_size=3)
STREAM = st.tuples(SEEDS, NAMES, PARTS)


def drawn(seed: int, name: str, *parts: int | str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Numbers from a stream, in each of its two forms."""
    with drawing_from(seed, name, *parts):
        default = torch.rand(3)
    return (
        tuple(numpy_stream(seed, name, *parts).random(3).tolist()),
        tuple(default.tolist()),
    )


@given(one=STREAM, other=STREAM)
def test_streams_are_equal_if_and_only_if_seed_name_and_parts_are(
    one: tuple[int, str, list[int | str]], other: tuple[int, str, list[int | str]]
) -> None:
    first, second = (derive(seed, name, *parts) for seed, name, parts in (one, other))
    assert (first == second) == ([*one[:2], *map(str, one[2])] == [*other[:2], *map(str, other[2])])
    assert 0 <= first < 2**63


@pytest.mark.parametrize(
    "other", [(1, "order", 1), (0, "dropout", 1), (0, "order", 2), (0, "order"), (0, "order", 1, 1)]
)
def test_a_change_of_seed_name_or_part_changes_every_number(other: tuple[int, str]) -> None:
    for numbers, others in zip(drawn(0, "order", 1), drawn(*other), strict=True):
        assert not set(numbers) & set(others)


def test_seed_zero_is_a_seed_like_any_other() -> None:
    assert drawn(0, "init") == drawn(0, "init")
    assert len({derive(seed, "init") for seed in range(100)}) == 100


def test_a_numpy_integer_is_the_same_seed() -> None:
    assert derive(np.int64(3), "init") == derive(3, "init")  # type: ignore[arg-type]


def test_drawing_from_leaves_the_global_generators_as_they_were() -> None:
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    with drawing_from(5, "init"):
        torch.rand(10)
        torch.nn.Linear(3, 3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert np.random.get_state()[1].tolist() == before[2]  # noqa: NPY002


def fail_while_drawing() -> None:
    with drawing_from(5, "init"):
        torch.rand(10)
        raise ZeroDivisionError


def test_drawing_from_leaves_the_global_generator_as_it_was_when_the_block_fails() -> None:
    before = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError):
        fail_while_drawing()
    assert torch.equal(torch.get_rng_state(), before)


def test_drawing_from_does_not_depend_on_the_global_generator() -> None:
    torch.manual_seed(1)
    first = drawn(2, "dropout", 3)
    torch.manual_seed(2)
    assert drawn(2, "dropout", 3) == first


def test_blocks_nest() -> None:
    with drawing_from(0, "outer"):
        first = torch.rand(2)
        with drawing_from(0, "inner"):
            torch.rand(7)
        second = torch.rand(2)
    with drawing_from(0, "outer"):
        assert torch.equal(torch.rand(4), torch.cat([first, second]))


def test_a_fresh_process_draws_the_same_numbers() -> None:
    code = (
        "import torch; from causalmer_core.basics.seeding import *\n"
        "with drawing_from(4, 'dropout', 2): default = torch.rand(3)\n"
        "print(numpy_stream(4, 'dropout', 2).random(3).tolist(), default.tolist(), sep='|')"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "|".join(str(list(numbers)) for numbers in drawn(4, "dropout", 2))
