"""The list of commands costs nothing, and says of each what it says of itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from sweeps.cli.commands import COMMANDS, load
from sweeps.cli.main import app

HEAVY = ("torch", "ray", "pandas", "scipy", "optuna")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_as_it_describes_itself(name: str) -> None:
    command: Any = load(name)
    assert command.name == name
    first, *_ = command.help.split("\n\n")
    assert " ".join(first.split()) == COMMANDS[name].help


@pytest.mark.parametrize("arguments", [["--help"], ["rnu"]])
def test_the_list_and_the_answer_to_a_slip_import_no_command(arguments: list[str]) -> None:
    code = f"""
import sys
from sweeps.cli.main import main
sys.argv[1:] = {arguments!r}
try:
    main()
finally:
    print("imported:", [name for name in {HEAVY!r} if name in sys.modules])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "imported: []" in ended.stdout
    assert ended.returncode == (0 if "--help" in arguments else 2)


def test_a_command_that_is_not_there_is_answered_with_one_that_is() -> None:
    answer = CliRunner().invoke(app, ["rnu"])
    assert answer.exit_code == 2
    assert "Did you mean 'run'?" in answer.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_its_options(name: str) -> None:
    answer = CliRunner().invoke(app, [name, "--help"])
    assert answer.exit_code == 0
    assert "--install-completion" not in answer.output
    assert f"causalmer {name}" in answer.output or f"root {name}" in answer.output
