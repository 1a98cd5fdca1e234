"""Each mistake in a sweep's file is one line: place, key, what was given, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from spec_mistakes import BAD, HEAD

from causalmer_core.basics.errors import UserError
from sweeps.spec.problems import shown
from sweeps.spec.sweep_spec import load_spec


def refusal(folder: Path, text: str) -> list[str]:
    """The lines of the message, without the file's name, which each must have."""
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_spec(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines), lines
    return [line.removeprefix(f"{path}:") for line in lines]


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_mistake_is_one_line_with_place_key_given_and_allowed(
    tmp_path: Path, text: str, message: str
) -> None:
    assert refusal(tmp_path, text) == [message]


def test_a_binary_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_bytes(b"\x80\x04\x95pickle")
    with pytest.raises(
        UserError, match=r"sweep\.yaml:1: not text; given byte 0x80 .*; allowed YAML text in UTF-8"
    ):
        load_spec(path)


def test_all_mistakes_are_found_together_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
name: a/b
data: {name: x, rooot: y}
base:
  trainer: {max_epochs: 8.5}
  loss: {alpha: none}
space:
  loss.beta: {float: [2, 1]}
  model.fusion: {chocie: [sum]}
search: {num_configs: 0}
resources: {gpu: 1.5, cpu: 0}
"""
    lines = refusal(tmp_path, text)
    assert [line.split(":")[0] for line in lines] == ["1", "2", "4", "5", "7", "8", "9", "10", "10"]
    keys = [line.split(": ")[1] for line in lines]
    assert keys[:4] == ["name", "data.rooot", "base.trainer.max_epochs", "base.loss.alpha"]
    assert keys[4:7] == ["space.loss.beta", "space.model.fusion", "search.num_configs"]
    assert sorted(keys[7:]) == ["resources.cpu", "resources.gpu"]


def test_a_wrong_parameter_does_not_hide_another_kind_of_mistake(tmp_path: Path) -> None:
    lines = refusal(tmp_path, HEAD + "space:\n  loss.beta: {float: [2, 1]}\n  loss.alhpa: {float: [1, 2]}\n")
    assert [line.split(":")[0] for line in lines] == ["4", "5"]


def test_long_values_are_cut_in_messages() -> None:
    assert len(shown("x" * 1000)) < 120
