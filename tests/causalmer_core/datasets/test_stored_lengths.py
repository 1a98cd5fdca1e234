"""Lengths are part of a data set where there are any, and change nothing where there are none."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from field_files import mmsa_splits, plain_splits, write_pickle
from old_data_sets import make_old
from real_data import real_data_file

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.manifest import fingerprint
from causalmer_core.datasets.reading.importing import ImportedData, read_data_file
from causalmer_core.datasets.store import (
    dataset_folder,
    open_test_split,
    open_training_data,
    read_dataset_manifest,
    verify_dataset,
    write_dataset,
)

PUBLISHED_BEFORE = "af5621d934e96b5470345b3d5946d770004643191b08a1938f5bbb59321d480a"
"""Of `plain_splits` in MulT's layout, as the importer gave it before there were lengths and other layouts."""
REAL_BEFORE = "fb69d8e9f7682a57cb6af9ee036b3d7355737a65a8c80654de93e827b7d62aff"
"""Of the real data set beside the checkout, by the same importer."""


@pytest.fixture
def unaligned(tmp_path: Path) -> ImportedData:
    return read_data_file(write_pickle(tmp_path / "unaligned.pkl", mmsa_splits(aligned=False)))


def store(root: Path, data: ImportedData, name: str = "field") -> str:
    return write_dataset(root, name, task=data.task, splits=data.splits, nonfinite=data.nonfinite).fingerprint


def test_lengths_come_back_as_they_were_in_the_file(tmp_path: Path, unaligned: ImportedData) -> None:
    store(tmp_path / "store", unaligned)
    found = open_training_data(tmp_path / "store", "field")
    splits = {
        "train": found.train,
        "valid": found.valid,
        "test": open_test_split(tmp_path / "store", "field"),
    }
    for name, split in splits.items():
        for modality in MODALITIES:
            np.testing.assert_array_equal(split.lengths[modality], unaligned.splits[name].lengths[modality])
            assert split.lengths[modality].dtype == np.int64
    verify_dataset(tmp_path / "store", "field")


def test_steps_beyond_a_length_are_padding(tmp_path: Path, unaligned: ImportedData) -> None:
    store(tmp_path / "store", unaligned)
    manifest = read_dataset_manifest(tmp_path / "store", "field")
    audio = manifest.splits["train"].features[Modality.AUDIO]
    assert audio.padding_steps == sum(9 - i for i in range(8))
    assert audio.missing_samples == 1
    train = unaligned.splits["train"]
    there = np.concatenate([train.features[Modality.AUDIO][i, :i] for i in range(8)])
    statistics = open_training_data(tmp_path / "store", "field").statistics[Modality.AUDIO]
    np.testing.assert_allclose(statistics.mean, there.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(statistics.std, there.std(axis=0), rtol=1e-5)


def changed(data: ImportedData, **lengths: np.ndarray) -> dict[str, Split]:
    train = data.splits["train"]
    return {
        **data.splits,
        "train": dataclasses.replace(train, lengths={Modality(k): v for k, v in lengths.items()}),
    }


def test_lengths_are_part_of_the_fingerprint(unaligned: ImportedData) -> None:
    given = unaligned.splits["train"].lengths
    audio, vision = given[Modality.AUDIO], given[Modality.VISION]
    found = {
        fingerprint(unaligned.task, splits)
        for splits in (
            unaligned.splits,
            changed(unaligned),
            changed(unaligned, audio=audio),
            changed(unaligned, vision=audio),
            changed(unaligned, audio=audio, vision=vision),
            changed(unaligned, audio=np.minimum(audio, 5)),
        )
    }
    assert len(found) == 6


def test_a_data_set_without_lengths_keeps_the_fingerprint_that_it_had(tmp_path: Path) -> None:
    data = read_data_file(write_pickle(tmp_path / "field.pkl", plain_splits()))
    assert store(tmp_path / "store", data) == PUBLISHED_BEFORE


def test_the_real_data_set_keeps_the_fingerprint_that_it_had(tmp_path: Path) -> None:
    assert store(tmp_path, read_data_file(real_data_file(), label_names=["positive"])) == REAL_BEFORE


def test_a_manifest_from_before_there_were_lengths_still_opens(tmp_path: Path) -> None:
    store(tmp_path, read_data_file(write_pickle(tmp_path / "field.pkl", plain_splits())))
    path = make_old(tmp_path, "field") / "manifest.json"
    manifest = json.loads(path.read_text())
    for split in manifest["splits"].values():
        del split["lengths"]
    path.write_text(json.dumps(manifest))
    assert open_training_data(tmp_path, "field").train.lengths == {}
    verify_dataset(tmp_path, "field")


@pytest.mark.parametrize("is_old", [False, True])
def test_missing_or_other_lengths_are_damage(tmp_path: Path, unaligned: ImportedData, is_old: bool) -> None:
    store(tmp_path, unaligned)
    folder = make_old(tmp_path, "field") if is_old else dataset_folder(tmp_path, "field")
    path = folder / "train_audio_lengths.npy"
    np.save(path, np.zeros(3, dtype=np.int64))
    what = r"\(3,\)" if is_old else "bytes"
    with pytest.raises(DamagedFileError, match=rf"train_audio_lengths\.npy is damaged: .*{what}"):
        open_training_data(tmp_path, "field")
    path.unlink()
    with pytest.raises(DamagedFileError, match=r"train_audio_lengths\.npy is damaged"):
        open_training_data(tmp_path, "field")
