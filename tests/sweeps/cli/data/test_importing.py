"""`causalmer data import` of every layout: one command from the file to the store, and what it says on the way."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from field_files import SIZES, flat, mmsa_splits, plain_splits, write_npy, write_pickle
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.store import list_datasets, open_test_split, open_training_data, verify_dataset
from sweeps.cli.data.app import app

STORE = "causalmer_data"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(
        app, ["import", *(str(a) for a in arguments), "--name", "field"], env={"COLUMNS": "140"}
    )


def shown(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


def error(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, UserError), result.output
    assert list_datasets(STORE) == ()
    assert not Path(STORE).exists() or list(Path(STORE).iterdir()) == []
    return str(result.exception)


def line(output: str, *parts: str) -> bool:
    """Whether a line of a table has these cells."""
    return any(all(part in row for part in parts) for row in output.splitlines())


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_published_form_of_iemocap_is_imported_at_its_full_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sizes = {"train": 2717, "valid": 798, "test": 938}
    data: dict[str, Any] = {}
    for name, n in sizes.items():
        data[name] = {
            key: rng.standard_normal((n, 20, width), dtype=np.float32)
            for key, width in (("text", 300), ("audio", 74), ("vision", 35))
        }
        data[name]["labels"] = np.eye(2, dtype=np.int64)[rng.integers(0, 2, (n, 4))]
    data["train"]["audio"][:40, 3] = -np.inf
    path = tmp_path / "iemocap_data.pkl"
    path.write_bytes(pickle.dumps(data, 4))
    output = shown(path)
    assert "layout  mult (recognised)" in output
    assert "task    emotions (recognised): neutral, happy, sad, angry" in output
    assert line(output, "labels", "2717 x 4 x 2", "int64", "one-hot pairs")
    assert line(output, "audio", "2717 x 20 x 74", f"{40 * 74} not finite set to 0")
    assert line(output, "ids", "made up: train-0 ...")
    found = open_training_data(STORE, "field")
    assert found.train.features[Modality.TEXT].shape == (2717, 20, 300)
    np.testing.assert_array_equal(found.train.features[Modality.VISION], data["train"]["vision"])
    np.testing.assert_array_equal(found.valid.labels, data["valid"]["labels"].argmax(axis=2))
    assert not found.train.features[Modality.AUDIO][:40, 3].any()
    assert len(open_test_split(STORE, "field")) == 938
    verify_dataset(STORE, "field")


def test_sentiment_scores_with_ids_in_bytes_are_a_regression_or_seven_classes(tmp_path: Path) -> None:
    splits = plain_splits(lambda n: np.linspace(-3, 3, n, dtype=np.float32).reshape(n, 1, 1))
    for name, n in SIZES.items():
        splits[name]["id"] = np.array([[b"video%d" % i, b"1.5", b"2.5"] for i in range(n)])
    path = write_pickle(tmp_path / "mosi_data.pkl", splits)
    assert "task    regression (recognised): sentiment" in shown(path)
    assert open_training_data(STORE, "field").train.ids[1] == "video1/1.5/2.5"
    output = shown(path, "--task", "classes", "--force")
    assert "task    classes (given): -3, -2, -1, 0, 1, 2, 3" in output
    assert "rounded half to even" in output
    assert open_training_data(STORE, "field").train.labels[0] == 0


@pytest.mark.parametrize("aligned", [True, False])
def test_mmsas_files_are_imported_with_their_lengths(tmp_path: Path, aligned: bool) -> None:
    path = write_pickle(tmp_path / "mosi_50.pkl", mmsa_splits(aligned=aligned))
    output = shown(path)
    assert "layout  mmsa (recognised)" in output
    assert "task    regression (recognised): sentiment" in output
    assert line(output, "raw_text", "left out", "list")
    assert line(output, "text_bert", "text_lengths", "8 x 3 x 6", "1 to 6 steps")
    assert aligned or line(output, "audio_lengths", "0 to 7 steps")
    assert set(open_training_data(STORE, "field").train.lengths) == set(Modality)
    shown(path, "--task", "classes", "--force")
    assert open_training_data(STORE, "field").task.labels == ("negative", "neutral", "positive")


def test_arrays_in_an_archive_and_in_a_folder_are_imported_alike(tmp_path: Path) -> None:
    splits = plain_splits()
    np.savez_compressed(tmp_path / "arrays.npz", **flat(splits))
    assert "layout  npz (recognised)" in shown(tmp_path / "arrays.npz")
    first = open_training_data(STORE, "field").fingerprint
    for nested in (False, True):
        folder = write_npy(tmp_path / f"folder{nested}", splits, nested=nested)
        assert "layout  npy (recognised)" in shown(folder, "--force")
        assert open_training_data(STORE, "field").fingerprint == first


def test_layout_task_and_keys_can_be_given(tmp_path: Path) -> None:
    splits = mmsa_splits(aligned=True)
    for found in splits.values():
        found["openface"] = found.pop("vision")
    path = write_pickle(tmp_path / "a.pkl", splits)
    output = shown(
        path, "--layout", "mmsa", "--map", "vision=openface", "--map", "labels=classification_labels",
        "--map", "ids=none", "--labels", "bad,so,good",
    )  # fmt: skip
    assert "layout  mmsa (given)" in output
    assert "task    classes (recognised): bad, so, good" in output
    assert line(output, "openface", "vision", "8 x 6 x 3")
    assert line(output, "regression_labels", "left out")
    data = open_training_data(STORE, "field")
    assert (data.task.kind, data.train.ids[0]) == (TaskKind.CLASSES, "train-0")


def with_nan(splits: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    splits["valid"]["vision"][1, 2, 0] = np.nan
    return splits


def long_audio(splits: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    splits["test"]["audio_lengths"][2] = 10
    return splits


@pytest.mark.parametrize(
    ("splits", "arguments", "message"),
    [
        (with_nan(plain_splits()), [], "a.pkl: valid: vision: 1 NaN"),
        (long_audio(mmsa_splits(aligned=False)), [], "a.pkl: test: audio_lengths: sample 2 has length 10"),
        (plain_splits(), ["--map", "text=txt"], "there is no key 'txt' (did you mean 'text'?)"),
        (plain_splits(), ["--map", "texts=text"], "unknown role of --map 'texts'"),
        (plain_splits(), ["--task", "regression"], "more than one number a sample; a task 'regression' allows"),
        (plain_splits(), ["--layout", "mmsa"], "train: key 'regression_labels' is missing"),
        (
            {"train": {"x": np.zeros(3)}, "valid": {}, "test": {}},
            [],
            "a.pkl: in no known layout. Found in train: x (3 float64)",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_message_and_nothing_is_stored(
    tmp_path: Path, splits: Any, arguments: list[str], message: str
) -> None:
    assert message in error(write_pickle(tmp_path / "a.pkl", splits), *arguments)


def test_nan_becomes_0_where_it_is_asked_for(tmp_path: Path) -> None:
    output = shown(write_pickle(tmp_path / "a.pkl", with_nan(plain_splits())), "--nonfinite", "zero")
    assert line(output, "vision", "4 x 6 x 3", "1 not finite set to 0")
    assert open_training_data(STORE, "field").valid.features[Modality.VISION][1, 2, 0] == 0


@pytest.mark.parametrize("name", ["absent.pkl", "absent.npz", "CMU_MOSI.csd"])
def test_a_file_that_is_not_there_is_one_message(tmp_path: Path, name: str) -> None:
    assert f"{name}: cannot be read" in error(tmp_path / name)
