"""MMSA's layout: both kinds of labels, lengths from the masks and the lists, ids with the video first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from field_files import SIZES, Splits, mmsa_splits, write_pickle

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.reading.importing import ImportedData, read_data_file
from causalmer_core.datasets.reading.layouts.base import parsed_array_roles


def read(
    tmp_path: Path, splits: Splits, kind: TaskKind | None = None, take: tuple[str, ...] = ()
) -> ImportedData:
    path = write_pickle(tmp_path / "field.pkl", splits)
    return read_data_file(path, kind, array_roles=parsed_array_roles(take))


def test_the_layout_is_recognised_and_scores_are_the_task(tmp_path: Path) -> None:
    splits = mmsa_splits(aligned=True)
    found = read(tmp_path, splits)
    assert (found.layout, found.task.kind) == ("mmsa", TaskKind.REGRESSION)
    for name, split in found.splits.items():
        np.testing.assert_array_equal(split.labels, np.float32(splits[name]["regression_labels"]))
        for modality in MODALITIES:
            np.testing.assert_array_equal(split.features[modality][:], splits[name][modality.value])


def test_classes_are_the_published_three(tmp_path: Path) -> None:
    splits = mmsa_splits(aligned=True)
    found = read(tmp_path, splits, TaskKind.CLASSES)
    assert found.task.labels == ("negative", "neutral", "positive")
    assert found.splits["train"].labels.dtype == np.int64
    np.testing.assert_array_equal(found.splits["train"].labels, splits["train"]["classification_labels"])


def test_three_classes_are_named_where_no_sample_has_the_last(tmp_path: Path) -> None:
    splits = mmsa_splits(aligned=True)
    for found in splits.values():
        found["classification_labels"] = np.minimum(found["classification_labels"], 1)
    assert read(tmp_path, splits, TaskKind.CLASSES).task.labels == ("negative", "neutral", "positive")


def test_an_id_is_the_video_and_the_clip(tmp_path: Path) -> None:
    found = read(tmp_path, mmsa_splits(aligned=True))
    assert found.splits["train"].ids[:3] == ("video0/0", "video0/1", "video1/0")


def test_in_an_aligned_file_all_lengths_are_the_words(tmp_path: Path) -> None:
    found = read(tmp_path, mmsa_splits(aligned=True))
    for name, split in found.splits.items():
        for modality in MODALITIES:
            np.testing.assert_array_equal(split.lengths[modality], 1 + np.arange(SIZES[name]) % 6)
            assert split.lengths[modality].dtype == np.int64


def test_in_an_unaligned_file_audio_and_vision_have_their_own_lengths(tmp_path: Path) -> None:
    splits = mmsa_splits(aligned=False)
    train = read(tmp_path, splits).splits["train"]
    np.testing.assert_array_equal(train.lengths[Modality.TEXT], 1 + np.arange(8) % 6)
    np.testing.assert_array_equal(train.lengths[Modality.AUDIO], splits["train"]["audio_lengths"])
    np.testing.assert_array_equal(train.lengths[Modality.VISION], splits["train"]["vision_lengths"])


def test_a_mask_of_other_steps_than_the_words_is_no_length(tmp_path: Path) -> None:
    splits = mmsa_splits(aligned=True)
    for found in splits.values():
        found["text_bert"] = np.concatenate([found["text_bert"], found["text_bert"]], axis=2)
    data = read(tmp_path, splits)
    assert data.splits["train"].lengths == {}
    assert [row.roles for row in data.array_roles if row.key == "text_bert"] == [()] * 3


def test_it_is_said_what_was_taken_as_what_and_what_was_left_out(tmp_path: Path) -> None:
    rows = {
        row.key: row for row in read(tmp_path, mmsa_splits(aligned=True)).array_roles if row.split == "train"
    }
    assert rows["text_bert"].roles == ("text_lengths", "audio_lengths", "vision_lengths")
    assert rows["text_bert"].note == "1 to 6 steps"
    assert rows["regression_labels"].roles == ("labels",)
    assert (rows["text"].shape, rows["text"].dtype) == ("8 x 6 x 4", "float32")
    left_out = {key for key, row in rows.items() if not row.roles}
    assert left_out == {"raw_text", "annotations", "classification_labels"}


def test_other_labels_can_be_taken_and_their_form_says_the_task(tmp_path: Path) -> None:
    found = read(tmp_path, mmsa_splits(aligned=True), take=("labels=classification_labels",))
    assert found.task.kind is TaskKind.CLASSES
    assert found.task.labels == ("negative", "neutral", "positive")


def test_scores_taken_as_classes_are_seven(tmp_path: Path) -> None:
    splits = mmsa_splits(aligned=True)
    found = read(tmp_path, splits, TaskKind.CLASSES, ("labels=regression_labels",))
    assert found.task.labels == ("-3", "-2", "-1", "0", "1", "2", "3")
    expected = np.round(np.clip(splits["train"]["regression_labels"], -3, 3)) + 3
    np.testing.assert_array_equal(found.splits["train"].labels, expected)


def test_lengths_can_be_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, mmsa_splits(aligned=False), take=("audio_lengths=none",))
    assert set(found.splits["test"].lengths) == {Modality.TEXT, Modality.VISION}


def spoiled(key: str, change: Any) -> Splits:
    """A value of the validation split changed, or replaced."""
    splits = mmsa_splits(aligned=False)
    splits["valid"][key] = change(splits["valid"][key]) if callable(change) else change
    return splits


@pytest.mark.parametrize(
    ("key", "change", "message"),
    [
        ("audio_lengths", lambda x: [*x[:3], 10], r"sample 3 has length 10 .*the 9 steps.*--map audio_lengths=none"),
        ("audio_lengths", lambda x: [-1, *x[1:]], r"sample 0 has length -1"),
        ("vision_lengths", [1, 2.5, 3, 4], r"sample 1 has length 2\.5"),
        ("vision_lengths", [1, float("nan"), 3, 4], r"sample 1 has length nan"),
        ("vision_lengths", ["a"] * 4, r"dtype <U1 for vision_lengths"),
        ("vision_lengths", lambda x: x[:3], r"numbers of samples differ .*vision_lengths 3"),
        ("vision_lengths", None, r"given for train, test only"),
        ("text_bert", lambda x: x[:, :, ::-1], r"mask of sample 0 is not ones followed by zeros \(4 such"),
        ("text_bert", lambda x: x * 0.5, r"mask of sample 0"),
        ("regression_labels", lambda x: x * np.nan, r"4 labels are NaN"),
        ("regression_labels", None, r"valid: regression_labels: found NoneType"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, key: str, change: Any, message: str) -> None:
    with pytest.raises(UserError, match=rf"field\.pkl: .*({message})"):
        read(tmp_path, spoiled(key, change))


def test_a_file_without_the_three_classes_says_what_else_there_is(tmp_path: Path) -> None:
    splits = mmsa_splits(aligned=True)
    for found in splits.values():
        del found["classification_labels"]
    with pytest.raises(
        UserError, match=r"'classification_labels' is missing.*regression_labels.*--map labels=KEY"
    ):
        read(tmp_path, splits, TaskKind.CLASSES)
