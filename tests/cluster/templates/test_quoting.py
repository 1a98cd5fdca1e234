"""Whatever a user writes, files say it back: nothing of it becomes syntax."""

from __future__ import annotations

import ast
import subprocess

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cluster.templates.quoting import as_python, as_shell, as_yaml, yaml_block

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
@example("no")
@example("1e-4")
@example('"; rm -rf ~; #\n- {')
@example("\x85\u2028\ufeff\U0001f600")
@example("a " * 500)
def test_a_text_comes_back_from_either_version_of_yaml(text: str) -> None:
    written = f"key: [{as_yaml(text)}, {as_yaml(text)}]\nother: 1"
    expected = {"key": [text, text], "other": 1}
    assert "\n" not in as_yaml(text)
    assert yaml.safe_load(written) == expected
    assert YAML(typ="safe", pure=True).load(written) == expected


@given(st.one_of(st.text("ab \n\t#:", max_size=40), TEXTS))
@example("name: a\n\nspace:\n  x: 1\n")
@example("a\n\n")
@example(" a\n")
@example("")
def test_a_block_of_lines_comes_back_from_either_version_of_yaml(text: str) -> None:
    written = f"key:\n  below: {yaml_block(text, 4)}\nother: 1\n"
    expected = {"key": {"below": text}, "other": 1}
    assert yaml.safe_load(written) == expected
    assert YAML(typ="safe", pure=True).load(written) == expected


@given(st.one_of(st.text('ab \n\t"\\\\', max_size=40), TEXTS))
@example('name: a\n\nx: "b"\n')
@example('"""\n')
@example("\\n\n")
def test_a_text_comes_back_from_python(text: str) -> None:
    assert ast.literal_eval(f"[{as_python(text)}]") == [text]


def test_a_readable_text_stays_readable_in_a_block() -> None:
    assert yaml_block("a: 1\nb:\n  c: 2\n", 4) == "|\n    a: 1\n    b:\n      c: 2"


@pytest.mark.parametrize("value", [3, 0.25, True, None, ["a", 1], ("it's", "$HOME")])
def test_other_values_keep_their_types(value: object) -> None:
    assert yaml.safe_load(as_yaml(value)) == (list(value) if isinstance(value, tuple) else value)


@pytest.mark.parametrize("text", ["plain", "two words", "$(id)", "it's", '"; exit 7; "', "a\nb", "*", "~"])
def test_a_text_is_one_word_of_a_shell(text: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"printf %s {as_shell(text)}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == text
