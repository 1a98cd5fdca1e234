"""A digested file gives what was written, or an error that names it."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalmer_core.basics.digests import (
    DamagedFileError,
    digested,
    digested_text,
    is_newer,
    newer_format,
    open_digested,
    open_digested_text,
)

REMEDY = "write it again"
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)
_TREES = st.dictionaries(st.text().filter(lambda key: key != "sha256"), _VALUES, min_size=1, max_size=4)


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8 % len(content)] ^= 1 << bit % 8
    return bytes(changed)


@given(tree=_TREES)
def test_a_tree_comes_back_as_written(tree: dict[str, Any]) -> None:
    assert open_digested(digested(tree).encode(), "f", remedy=REMEDY) == tree


@given(tree=_TREES, bit=st.integers(0, 2**16))
def test_a_flipped_bit_in_a_tree_changes_no_value_in_silence(tree: dict[str, Any], bit: int) -> None:
    try:
        found = open_digested(flipped(digested(tree).encode(), bit), "f", remedy=REMEDY)
    except DamagedFileError:
        return
    assert found == tree  # a space or an equal number in another form


@pytest.mark.parametrize("content", [b"", b"  \n", b"[1]", b'{"a": 1}', b"\xff", b'{"a": 1', b"[" * 100_000])
def test_what_is_no_digested_tree_is_named_as_damaged(content: bytes) -> None:
    with pytest.raises(DamagedFileError, match=r"^f is damaged: .*; write it again$"):
        open_digested(content, "f", remedy=REMEDY)


def test_a_file_of_an_older_version_may_lack_the_digest() -> None:
    assert open_digested(b'{"v": 1}', "f", remedy=REMEDY, may_lack=lambda tree: tree["v"] == 1) == {"v": 1}


@given(text=st.text().map(lambda text: text + "\n"))
def test_a_text_comes_back_as_written(text: str) -> None:
    assert open_digested_text(digested_text(text), "f", remedy=REMEDY) == text


@given(lines=st.lists(st.text("abc: 12", min_size=1), min_size=1), bit=st.integers(0, 2**16))
def test_a_flipped_bit_in_a_text_changes_no_line_in_silence(lines: list[str], bit: int) -> None:
    text = "\n".join(lines) + "\n"
    try:
        found = open_digested_text(flipped(digested_text(text), bit), "f", remedy=REMEDY)
    except DamagedFileError:
        return
    # A flip in the first line is found by the last one, so only the text itself comes back.
    assert found == text


@given(lines=st.lists(st.text("abc: 12", min_size=1), min_size=1), left=st.integers(1, 2**16))
def test_a_text_that_was_cut_is_no_text(lines: list[str], left: int) -> None:
    whole = digested_text("\n".join(lines) + "\n")
    cut = whole[: left % len(whole)]
    try:
        found = open_digested_text(cut, "f", remedy=REMEDY)
    except DamagedFileError:
        return
    assert found.startswith("#")  # a part of the announcement: a comment, no value
    assert "\n" not in found


def test_a_text_of_an_older_version_is_read_without_a_digest() -> None:
    assert open_digested_text(b"a: 1\n", "f", remedy=REMEDY) == "a: 1\n"


def test_damage_keeps_its_parts_between_processes() -> None:
    error = pickle.loads(pickle.dumps(DamagedFileError("f", "cut", "mend it")))
    assert (error.where, error.what, error.remedy, str(error)) == (
        "f",
        "cut",
        "mend it",
        "f is damaged: cut; mend it",
    )


def test_a_newer_format_is_told() -> None:
    assert [is_newer(found, 2) for found in (3, 2, 1, True, "3", None)] == [True] + [False] * 5
    assert "newer causalmer; this one reads table schema 7" in str(newer_format("f", "table schema", 8, 7))
