"""Where numbers come from: commit, versions, and of the environment no more than is named."""

from __future__ import annotations

import subprocess
from pathlib import Path

import handmade
import pandas as pd
import pytest

from results.records.dataset import open_sweep
from results.records.histories import read_runs
from results.records.provenance import git_state, recorded_environment, run_software


def test_the_commit_is_that_of_the_checkout_that_tracks_the_file(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    tracked, untracked = tmp_path / "tracked.py", tmp_path / "untracked.py"
    tracked.write_text("")
    untracked.write_text("")
    assert git_state(tracked) == (None, None)
    for command in (["init", "-q"], ["add", "tracked.py"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    commit, dirty = git_state(tracked)
    assert commit is not None
    assert len(commit) == 40
    assert dirty is False
    assert git_state(untracked) == (None, None)
    tracked.write_text("changed")
    assert git_state(tracked) == (commit, True)


def test_of_the_environment_only_what_is_named_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert recorded_environment()["OMP_NUM_THREADS"] == "3"
    assert "CUDA_VISIBLE_DEVICES" not in recorded_environment()
    layout = handmade.empty_sweep(tmp_path)
    assert open_sweep(layout).manifest.environment["OMP_NUM_THREADS"] == "3"
    assert "canary" not in layout.manifest.read_text()


def test_every_run_says_what_software_trained_it(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.finish(layout, "2", 1)
    (row,) = open_sweep(layout).runs.to_dict("records")
    software = run_software()
    told = {name: None if pd.isna(row[name]) else row[name] for name in software}
    assert told == software
    assert software["torch"]
    assert read_runs(layout)[0].software == software
