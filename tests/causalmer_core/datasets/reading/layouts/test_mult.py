"""MulT's layout: every published form of labels and ids is read, and what is wrong is said with its place."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from real_data import real_data_file

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.labels import IEMOCAP_EMOTIONS
from causalmer_core.datasets.reading.importing import ImportedData, read_data_file

SIZES = {"train": 5, "valid": 3, "test": 4}
SHAPES = {"text": (6, 4), "audio": (9, 2), "vision": (7, 3)}


def raw_data() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {
        split: {
            **{key: rng.normal(size=(n, *shape)).astype(np.float32) for key, shape in SHAPES.items()},
            "labels": rng.integers(0, 2, size=(n, 2)),
            "id": np.array([[f"video{i}", str(i), "0"] for i in range(n)]),
        }
        for split, n in SIZES.items()
    }


def read(tmp_path: Path, data: Any, kind: TaskKind = TaskKind.EMOTIONS, **options: Any) -> ImportedData:
    path = tmp_path / "field.pkl"
    path.write_bytes(pickle.dumps(data))
    return read_data_file(path, kind, **options)


def with_labels(make: Callable[[int], Any]) -> dict[str, Any]:
    data = raw_data()
    for split, n in SIZES.items():
        data[split]["labels"] = make(n)
    return data


def test_features_and_ids_come_as_they_are_in_the_file(tmp_path: Path) -> None:
    data = raw_data()
    found = read(tmp_path, data)
    assert list(found.splits) == ["train", "valid", "test"]
    for name, split in found.splits.items():
        assert len(split) == SIZES[name]
        for modality in Modality:
            np.testing.assert_array_equal(split.features[modality], data[name][modality.value])
            assert split.features[modality].dtype == np.float32
    assert found.splits["valid"].ids == ("video0/0/0", "video1/1/0", "video2/2/0")


def test_dev_is_another_name_of_valid(tmp_path: Path) -> None:
    data = raw_data()
    data["dev"] = data.pop("valid")
    assert len(read(tmp_path, data).splits["valid"]) == SIZES["valid"]


def test_one_hot_pairs_of_emotions_give_the_second_column(tmp_path: Path) -> None:
    truth = np.array([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 1], [0, 0, 1, 0]])
    found = read(tmp_path, with_labels(lambda n: np.eye(2, dtype=np.int64)[truth[:n]]))
    np.testing.assert_array_equal(found.splits["train"].labels, truth)
    assert found.splits["train"].labels.dtype == np.int64
    assert found.task.labels == IEMOCAP_EMOTIONS


def test_emotions_without_names_are_numbered(tmp_path: Path) -> None:
    assert read(tmp_path, raw_data()).task.labels == ("emotion_0", "emotion_1")
    assert read(tmp_path, raw_data(), label_names=["up", "down"]).task.labels == ("up", "down")


@pytest.mark.parametrize(
    "form",
    [
        lambda c: c,
        lambda c: c[:, None],
        lambda c: c.astype(float),
        lambda c: np.eye(3)[c],
        lambda c: np.eye(3)[c][:, None],
    ],
)
def test_every_form_of_classes_gives_class_indices(tmp_path: Path, form: Callable[[Any], Any]) -> None:
    classes = np.array([2, 0, 1, 1, 0])
    found = read(tmp_path, with_labels(lambda n: form(classes[:n])), TaskKind.CLASSES)
    np.testing.assert_array_equal(found.splits["train"].labels, classes)
    assert found.task.labels == ("class_0", "class_1", "class_2")


def test_a_class_that_no_sample_has_can_be_named(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]
    found = read(tmp_path, with_labels(lambda n: np.arange(n) % 3), TaskKind.CLASSES, label_names=names)
    assert found.task.labels == tuple(names)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_every_form_of_scores_gives_one_float_a_sample(tmp_path: Path, shape: tuple[int, ...]) -> None:
    found = read(
        tmp_path, with_labels(lambda n: np.linspace(-3, 3, n).reshape(n, *shape)), TaskKind.REGRESSION
    )
    labels = found.splits["valid"].labels
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels, np.float32([-3, 0, 3]))
    assert found.task.labels == ("sentiment",)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda _: None, "train-1"),
        (lambda n: np.array([f"v{i}" for i in range(n)], dtype=object), "v1"),
        (lambda n: np.array([f"v{i}" for i in range(n)], dtype="S3"), "v1"),
        (lambda n: [f"v{i}" for i in range(n)], "v1"),
        (lambda n: np.array([[[i, 2, 3]] for i in range(n)]), "1/2/3"),
        (lambda n: np.array([[b"v", 7]] * n, dtype=object), "v/7"),
        (lambda n: ["same"] * n, "same"),
    ],
)
def test_ids_of_every_form_come_as_text(tmp_path: Path, make: Callable[[int], Any], expected: str) -> None:
    data = raw_data()
    for split, n in SIZES.items():
        data[split]["id"] = make(n)
    assert read(tmp_path, data).splits["train"].ids[1] == expected


def test_minus_infinity_in_audio_becomes_0_and_is_counted(tmp_path: Path) -> None:
    data = raw_data()
    data["train"]["audio"][0, 0, :] = -np.inf
    found = read(tmp_path, data)
    assert found.splits["train"].features[Modality.AUDIO][0, 0].tolist() == [0, 0]
    counts = found.nonfinite["train"][Modality.AUDIO]
    assert (counts.negative_infinity, counts.replaced, counts.remaining) == (2, 2, 0)


@pytest.mark.parametrize(("key", "value"), [("text", np.nan), ("vision", -np.inf), ("audio", np.inf)])
def test_other_numbers_that_are_not_finite_are_an_error_unless_asked_for(
    tmp_path: Path, key: str, value: float
) -> None:
    data = raw_data()
    data["valid"][key][1, 2, 0] = value
    with pytest.raises(UserError, match=rf"field\.pkl: valid: {key}: .*--nonfinite zero"):
        read(tmp_path, data)
    found = read(tmp_path, data, nonfinite="zero")
    assert found.splits["valid"].features[Modality(key)][1, 2, 0] == 0
    assert found.nonfinite["valid"][Modality(key)].replaced == 1
    assert found.nonfinite["train"][Modality(key)].replaced == 0


def test_a_double_too_large_for_single_precision_counts_as_infinite(tmp_path: Path) -> None:
    data = raw_data()
    data["test"]["text"] = data["test"]["text"].astype(np.float64) * 1e300
    with pytest.raises(UserError, match=r"test: text: 0 NaN, \d+ \+inf"):
        read(tmp_path, data)


def changed(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["valid"].update(changes)


N = SIZES["valid"]
WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no test split": (lambda d: d.pop("test"), r"split 'test' is missing; found: train, valid"),
    "no vision": (lambda d: d["valid"].pop("vision"), r"valid: key 'vision' is missing; found: text, audio, labels"),
    "a list for a split": (lambda d: d.update(test=[1]), r"test: found list"),
    "a list for features": (changed(text=[[1.0]]), r"valid: text: found list"),
    "two dimensions": (changed(text=np.zeros((N, 4))), r"valid: text: found dtype float64 and shape \(3, 4\)"),
    "text for features": (changed(audio=np.array([[["a"]]])), r"valid: audio: found dtype <U1"),
    "no steps": (changed(audio=np.zeros((N, 0, 2))), r"shape \(3, 0, 2\)"),
    "another time": (changed(text=np.zeros((N, 5, 4))), r"text: \(time, width\) differs .* valid \(5, 4\).*pad"),
    "another width": (changed(vision=np.zeros((N, 7, 9))), r"vision: \(time, width\) differs"),
    "another count": (changed(audio=np.zeros((2, 9, 2))), r"valid: .* \(text 3, audio 2, vision 3, labels 3, id 3\)"),
    "pairs not one-hot": (changed(labels=np.ones((N, 2, 2))), r"valid: labels: .*pairs are not one-hot.*--task"),
    "scores as emotions": (changed(labels=np.full((N, 2), -1.5)), r"with values from -1\.5 to -1\.5"),
    "labels NaN": (changed(labels=np.full((N, 2), np.nan)), r"valid: labels: 6 labels are NaN"),
    "text for labels": (changed(labels=np.array(["a"] * N)), r"valid: labels: found dtype <U1"),
    "other emotions": (changed(labels=np.zeros((N, 3), dtype=int)), r"number of emotions differs"),
    "too few ids": (changed(id=["a"]), r"id 1"),
    "ids of dicts": (changed(id=[{}] * N), r"valid: id: found list"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_an_error_says_the_place_and_what_was_found(tmp_path: Path, name: str) -> None:
    spoil, message = WRONG[name]
    data = raw_data()
    spoil(data)
    with pytest.raises(UserError, match=rf"field\.pkl: .*{message}|field\.pkl: {message}"):
        read(tmp_path, data)


@pytest.mark.parametrize(
    ("labels", "kind", "message"),
    [
        (lambda n: np.full(n, 0.5), TaskKind.CLASSES, "not whole numbers"),
        (lambda n: np.full(n, -1), TaskKind.CLASSES, "from -1 to -1"),
        (lambda n: np.ones((n, 3)), TaskKind.CLASSES, "rows are not one-hot"),
        (lambda n: np.zeros((n, 2, 2)), TaskKind.CLASSES, "neither form"),
        (lambda n: np.zeros((n, 2)), TaskKind.REGRESSION, "more than one number"),
        (lambda n: np.zeros(n), TaskKind.EMOTIONS, "neither form"),
    ],
)
def test_labels_of_another_task_are_refused(
    tmp_path: Path, labels: Callable[[int], Any], kind: TaskKind, message: str
) -> None:
    with pytest.raises(UserError, match=rf"train: labels: .*{message}"):
        read(tmp_path, with_labels(labels), kind)


@pytest.mark.parametrize("names", [["only one"], ["a", "b", "c"], ["same", "same"]])
def test_label_names_must_fit(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(UserError, match=r"labels: .*(names|repeat)"):
        read(tmp_path, raw_data(), label_names=names)


def test_the_published_mosi_file_is_read() -> None:
    found = read_data_file(real_data_file(), TaskKind.EMOTIONS, ["positive"])
    assert {name: len(split) for name, split in found.splits.items()} == {
        "train": 1447,
        "valid": 212,
        "test": 540,
    }
    assert found.splits["train"].labels.mean() == pytest.approx(0.49, abs=0.005)
    assert found.splits["test"].labels.mean() == pytest.approx(0.63, abs=0.005)
    assert found.splits["train"].features[Modality.AUDIO].shape == (1447, 12, 73)
