"""`causalmer data`: what users type, what they see, and what is left on disk."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Modality
from causalmer_core.datasets.store import (
    dataset_folder,
    list_datasets,
    open_training_data,
    read_dataset_manifest,
)
from sweeps.cli.data.app import app

SMALL = ["--train", "6", "--valid", "4", "--test", "4", "--time", "2"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "120"})


def shown(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def error(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def field_file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    data = {
        split: {
            "text": rng.normal(size=(n, 3, 4)).astype(np.float32),
            "audio": 20 * rng.normal(size=(n, 3, 2)).astype(np.float32),
            "vision": rng.normal(size=(n, 3, 2)).astype(np.float32),
            "labels": np.eye(2, dtype=np.int64)[rng.integers(0, 2, size=(n, 1))],
        }
        for split, n in {"train": 8, "valid": 4, "test": 5}.items()
    }
    data["train"]["audio"][0, 0, 0] = -np.inf
    data["train"]["vision"][2, :2] = 0
    path = tmp_path / "field.pkl"
    path.write_bytes(pickle.dumps(data))
    return path


def test_import_stores_the_file_and_shows_what_is_in_it(field_file: Path) -> None:
    output = shown("import", field_file, "--name", "field", "--task", "emotions", "--labels", "positive")
    data = open_training_data("causalmer_data", "field")
    assert data.task.labels == ("positive",)
    for part in (
        data.fingerprint,
        "field.pkl",
        "8 x 3 x 4",
        "2 (8.3%)",
        "1 set to 0",
        "positive",
        "standardises",
    ):
        assert part in output
    info = shown("info", "field", "--no-probe", "--verify").splitlines()
    assert "\n".join(info[:-1]) in output
    assert info[-1].startswith("verified")


def test_info_without_a_name_lists_the_data_sets(tmp_path: Path) -> None:
    assert "no data sets" in shown("info")
    shown("synth", "--name", "b", *SMALL)
    shown("synth", "--name", "a", *SMALL)
    a, b = (dataset_folder("causalmer_data", name).name for name in ("a", "b"))
    assert shown("info").split() == ["a", a, "current", "b", b, "current"]
    assert list_datasets(tmp_path / "causalmer_data") == ("a", "b")


def test_synth_takes_its_parameters_by_modality_and_shows_the_ideal_accuracy() -> None:
    output = shown(
        "synth", "--name", "toy", *SMALL, "--shortcuts", "0,0.25,1", "--widths", "4,5,6", "--seed", "7"
    )
    assert "seed 7; ideal accuracy" in output
    manifest = read_dataset_manifest("causalmer_data", "toy")
    assert manifest.synthetic is not None
    assert manifest.synthetic["shortcuts"] == {"text": 0.0, "audio": 0.25, "vision": 1.0}
    assert manifest.splits["train"].features[Modality.AUDIO].shape == (6, 2, 5)


def test_the_folder_is_the_option_else_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAUSALMER_DATA", str(tmp_path / "shared"))
    shown("synth", "--name", "one", *SMALL)
    shown("synth", "--name", "two", *SMALL, "--root", tmp_path / "own")
    assert list_datasets(tmp_path / "shared") == ("one",)
    assert list_datasets(tmp_path / "own") == ("two",)


def test_a_new_version_needs_force_and_the_old_one_can_still_be_looked_at(field_file: Path) -> None:
    shown("synth", "--name", "x", *SMALL)
    old = read_dataset_manifest("causalmer_data", "x").fingerprint
    assert "--force" in error("import", field_file, "--name", "x", "--task", "emotions")
    shown("import", field_file, "--name", "x", "--task", "emotions", "--force")
    new = read_dataset_manifest("causalmer_data", "x")
    assert new.source_file == "field.pkl"
    rows = {line.split()[-2 if "current" in line else -1]: line for line in shown("info").splitlines()}
    assert rows.keys() == {old[:16], new.fingerprint[:16]}
    assert [version for version, line in rows.items() if "current" in line] == [new.fingerprint[:16]]
    info = shown("info", "x", "--version", old[:5], "--verify")
    assert f"{new.fingerprint[:16]} (current)" in info
    assert old in info
    assert "verified" in info
    assert (
        f"--version zz: 0 versions of data set 'x' in causalmer_data begin so; there: {min(old, new.fingerprint)[:16]}"
        in error("info", "x", "--version", "zz")
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "absent"], "no data set 'absent'"),
        (["import", "absent.pkl", "--name", "x", "--task", "emotions"], "absent.pkl: cannot be read"),
        (["import", "absent.pkl", "--name", "../x", "--task", "emotions"], "data set name '../x' is not allowed"),
        (["synth", "--name", "x", "--shortcuts", "0.5"], "--shortcuts: 1 numbers in '0.5'; give three"),
        (["synth", "--name", "x", "--widths", "a,b,c"], "--widths: invalid literal"),
        (["synth", "--name", "x", "--shortcuts", "0,0,2"], "shortcuts.vision: Input should be less than or equal to 1"),
        (["synth", "--name", "x", "--seed", "999999999999999999999"], "seed: Input should be less than or equal to 1"),
        (["synth", "--name", "x", "--emotions", "20"], "emotions need at least"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_one_message(arguments: list[str], message: str) -> None:
    assert message in error(*arguments)


def test_an_unknown_task_lists_the_allowed_ones(field_file: Path) -> None:
    result = run("import", field_file, "--name", "x", "--task", "emotion")
    assert result.exit_code == 2
    for name in ("emotions", "classes", "regression"):
        assert name in result.output
