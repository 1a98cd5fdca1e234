"""`causalmer schema`: on the screen, or in a file together with the line that an editor needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from sweeps.cli.main import app
from sweeps.cli.schema import schema


def test_it_is_printed_as_json_or_written(tmp_path: Path) -> None:
    printed = CliRunner().invoke(app, ["schema"])
    assert printed.exit_code == 0
    file = tmp_path / "sweep.schema.json"
    written = CliRunner().invoke(app, ["schema", "--out", str(file)])
    assert f"# yaml-language-server: $schema={file}" in written.output
    assert json.loads(file.read_text(encoding="utf-8")) == json.loads(printed.stdout)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*; choose another place with --out"):
        schema(tmp_path / "file" / "sweep.schema.json")
