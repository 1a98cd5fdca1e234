"""What docs/data.md says of layouts, roles and keys is what the importer knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.labels import IEMOCAP_EMOTIONS, SEVEN_CLASSES
from causalmer_core.datasets.reading.layouts.base import LENGTHS, REQUIRED, ROLES, SPLIT_NAMES
from causalmer_core.datasets.reading.layouts.mmsa import CLASSIFICATION, MMSA, REGRESSION, TOKENS
from causalmer_core.datasets.reading.layouts.recognise import LAYOUTS
from sweeps.cli.data.app import app

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")


def row(start: str) -> str:
    (found,) = [line for line in PAGE.splitlines() if line.startswith(f"| {start}")]
    return found


def test_every_option_of_the_command_is_explained() -> None:
    command = typer.main.get_command(app).commands["import"]  # type: ignore[attr-defined]
    names = {name for found in command.params for name in (*found.opts, *found.secondary_opts)}
    options = {name for name in names if name.startswith("--")}
    explained = set(re.findall(r"--[a-z]+", PAGE))
    assert options <= explained
    assert explained - options <= {"--verify", "--version"}


def test_layouts_tasks_and_roles_are_named_in_full() -> None:
    assert re.findall(r"--layout ([\w\\|]+)", PAGE)[0].split("\\|") == list(LAYOUTS)
    assert re.findall(r"--task ([\w\\|]+)`", PAGE)[0].split("\\|") == [kind.value for kind in TaskKind]
    assert re.findall(r"`(\w+)`", row("`--map").split("Roles:")[1].split(". ")[0]) == list(ROLES)
    for names in SPLIT_NAMES.values():
        assert all(f"`{name}`" in PAGE for name in names)


@pytest.mark.parametrize("key", [REGRESSION, CLASSIFICATION, TOKENS, *LENGTHS.values()])
def test_mmsas_keys_are_explained(key: str) -> None:
    assert f"`{key}`" in PAGE


def test_the_names_of_classes_are_those_that_are_given() -> None:
    names = MMSA.class_names[CLASSIFICATION]
    assert ", ".join(f"{i} `{name}`" for i, name in enumerate(names)) in row(f"`{CLASSIFICATION}`")
    assert f"`{SEVEN_CLASSES[0]}` to `{SEVEN_CLASSES[-1]}`" in PAGE
    assert ", ".join(f"`{name}`" for name in IEMOCAP_EMOTIONS) in PAGE


def test_the_names_of_plain_arrays_are_explained() -> None:
    for role in (*REQUIRED, "ids", *LENGTHS.values()):
        assert f"`train_{role}`" in PAGE
