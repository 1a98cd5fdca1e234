"""The script for `ray submit`: it runs the sweep that it carries, with options of its making and those it is given."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.templates.submit_script import SubmitScript

SWEEP = 'name: a\nspace:\n  x: "it\'s"\n'


@pytest.mark.parametrize("activate", [None, "export PATH={folder}/bin:$PATH"])
def test_the_sweep_runs_with_its_file_beside_the_script(activate: str | None, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "causalmer"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "<%s>" "$@"\nexit 7\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    command = None if activate is None else activate.format(folder=tmp_path)
    script = tmp_path / "submit_a.py"
    template = SubmitScript(sweep=SWEEP, options=("--storage", "/shared/it's here"), activate=command)
    script.write_text(template.render())
    path = os.environ["PATH"] if activate else f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, str(script), "--set", "a=$b"],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    words = [
        "run",
        f"{tmp_path}/submit_a.yaml",
        "--address",
        "auto",
        "--storage",
        "/shared/it's here",
        "--set",
        "a=$b",
    ]
    assert (done.stdout, done.returncode) == ("".join(f"<{word}>" for word in words), 7)
    assert (tmp_path / "submit_a.yaml").read_text() == SWEEP
    assert SWEEP in script.read_text(), "the sweep is to be read in the script"
