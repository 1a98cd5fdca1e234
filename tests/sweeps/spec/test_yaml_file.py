"""YAML files are read as YAML 1.2, with the line of every key, and mistakes name their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalmer_core.basics.errors import UserError
from sweeps.spec.yaml_file import parse_assignment, read_yaml, write_yaml


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "sweep.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(folder: Path, text: str | bytes) -> str:
    path = written(folder, text)
    with pytest.raises(UserError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


def test_values_are_read_as_yaml_1_2(tmp_path: Path) -> None:
    path = written(tmp_path, "a: 1e-3\nb: on\nc: yes\nd: 1\ne: 1.0\nf: true\ng:\nh: 012\ni: '1'\n")
    expected = {"a": 1e-3, "b": "on", "c": "yes", "d": 1, "e": 1.0, "f": True, "g": None, "h": 12, "i": "1"}
    assert read_yaml(path).tree == expected


def test_only_plain_types_come_out(tmp_path: Path) -> None:
    def types(value: Any) -> set[type]:
        if isinstance(value, dict):
            return {type(value)}.union(*(types(k) | types(v) for k, v in value.items()))
        if isinstance(value, list):
            return {type(value)}.union(*map(types, value))
        return {type(value)}

    text = (
        "a: &x [1, 0x1F, 2.50, false, &t true, 'q', \"d\", ~]\nb: *x\nc: |\n  block\nd: {<<: {e: 1}, f: *t}\n"
    )
    tree = read_yaml(written(tmp_path, text)).tree
    assert types(tree) == {dict, list, int, float, bool, str, type(None)}
    assert tree["b"] == tree["a"]
    assert tree["d"] == {"e": 1, "f": True}


def test_every_key_and_item_has_its_line(tmp_path: Path) -> None:
    file = read_yaml(
        written(tmp_path, "# a comment\na: 1\nb:\n  c.d:\n    - 1\n    - 2\n  e: {f: 3,\n    g: 4}\n")
    )
    assert file.line_of(("a",)) == 2
    assert file.line_of(("b", "c.d")) == 4
    assert file.line_of(("b", "c.d", 1)) == 6
    assert file.line_of(("b", "e", "f")) == 7
    assert file.line_of(("b", "e", "g")) == 8


def test_a_key_that_is_not_there_has_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    file = read_yaml(written(tmp_path, "\n\na:\n  b: 1\n"))
    assert file.line_of(("a", "x", "y")) == 3
    assert file.line_of(("x",)) == 1
    assert file.line_of(()) == 1


@pytest.mark.parametrize(
    ("text", "start", "words"),
    [
        ("", ":1: ", ["the file is empty"]),
        ("# only a comment\n", ":1: ", ["the file is empty"]),
        ("- a\n- b\n", ":1: ", ["not a mapping", "given list", "allowed"]),
        ("just text\n", ":1: ", ["not a mapping", "given str"]),
        ("a: 1\nb: 2\na: 3\n", ":3: column 1: ", ["duplicate key", '"a"']),
        ("a:\n  b: {c: 1, c: 2}\n", ":2: ", ["duplicate key", '"c"']),
        ("a: 1\nb:\n\t- 1\n", ":3: column 1: ", ["not valid YAML", "\\t"]),
        ("a: [1\n", ":2: ", ["not valid YAML"]),
        ("a: 1\n---\nb: 2\n", ":2: ", ["another document"]),
        ("a: *nowhere\n", ":1: ", ["undefined alias"]),
        ("a: !secret 3\n", ":1: a: ", ["neither text, number"]),
        ("a:\n  b: 2026-02-30\n", ": ", ["a date or a number cannot be read", "allowed text in quotes"]),
        (f"a: {'9' * 5000}\n", ": ", ["a date or a number cannot be read", "5000 digits"]),
        (f"a:\n  b: 0x{'f' * 5000}\n", ":2: a.b: ", ["a whole number of 20000 bits", "allowed 1024 bits"]),
        ("a:\n  b: 2026-10-01\n", ":2: a.b: ", ["neither text", "allowed text in quotes"]),
        ("a: 1\n2: 3\n", ":1: ", ["a key is not text", "given 2"]),
        ("[" * 1500, ":1: ", ["nested too deeply"]),
        (b"a: \x00\x01", ":1: ", ["not valid YAML", "#x0000"]),
        (b"PK\x03\x04\xff\xfe\x00binary", ":1: ", ["not text", "0xff", "UTF-8"]),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, start: str, words: list[str]
) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(start), message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_aliases_that_multiply_without_end_are_refused(tmp_path: Path) -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert "too many values" in refusal(tmp_path, "l0: &l0 [1]\n" + levels)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    assert "too large" in refusal(tmp_path, "a: " + "x" * 1_100_000)


def test_a_missing_file_lists_the_yaml_files_nearby(tmp_path: Path) -> None:
    (tmp_path / "mosi.yaml").touch()
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UserError, match=r"no such file; YAML files in .*mosi\.yaml .*did you mean") as caught:
        read_yaml(tmp_path / "mosy.yaml")
    assert "notes.txt" not in str(caught.value)


def test_a_missing_folder_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such file; YAML files in .*: none"):
        read_yaml(tmp_path / "nowhere" / "sweep.yaml")
    with pytest.raises(UserError, match="not a file"):
        read_yaml(tmp_path)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, b"\xef\xbb\xbfname: x\n")).tree == {"name": "x"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("search.num_configs=8", ("search.num_configs", 8)),
        ("loss.alpha=1e-3", ("loss.alpha", 1e-3)),
        ("a={float: [0, 1]}", ("a", {"float": [0, 1]})),
        ("a=null", ("a", None)),
        ("a=", ("a", None)),
        ("a=b=c", ("a", "b=c")),
        (" a = tpe", ("a", "tpe")),
    ],
)
def test_assignments_of_the_command_line_have_yaml_values(text: str, expected: tuple[str, Any]) -> None:
    assert parse_assignment(text) == expected


@pytest.mark.parametrize("text", ["a", "=3", "a.=3", "a..b=3", "a=[1", "a={b: 1, b: 2}"])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--set"):
        parse_assignment(text)


single = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"))
)
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        keys,
        st.recursive(
            single, lambda below: st.lists(below, max_size=3) | st.dictionaries(keys, below, max_size=3)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_written_is_read_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    path = tmp_path_factory.mktemp("yaml") / "tree.yaml"
    path.write_text(write_yaml(tree), encoding="utf-8", newline="")
    assert read_yaml(path).tree == tree
