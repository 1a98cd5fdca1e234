"""Folds over groups: no group in two of them, the same for every configuration, one for every seed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.run_config import FoldsConfig
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.folds import Rows, fold_numbers, folded, groups_of, validating_ids
from causalmer_core.datasets.statistics import feature_statistics
from causalmer_core.training.trained_model import load_trained
from causalmer_core.training.trainer import Trainer

THREE = FoldsConfig(folds=3)


def videos(data: TrainingData, sizes: int = 3) -> TrainingData:
    """The data with ids `video/utterance`, a few utterances a video, none of them in both splits."""

    def named(split: Split, letter: str) -> Split:
        return replace(split, ids=[f"{letter}{i // sizes}/{i}" for i in range(len(split))])

    return replace(data, train=named(data.train, "a"), valid=named(data.valid, "b"))


DATA = videos(tiny_data(TaskKind.EMOTIONS, train=24, valid=9))


def with_lengths(data: TrainingData) -> TrainingData:
    def added(split: Split) -> Split:
        return replace(split, lengths={Modality.AUDIO: np.arange(len(split)) % 8 + 1})

    return replace(data, train=added(data.train), valid=added(data.valid))


def test_every_sample_validates_in_one_of_as_many_seeds_as_there_are_folds() -> None:
    held_out = [set(folded(DATA, THREE, seed).valid.ids) for seed in range(3)]
    assert set().union(*held_out) == {*DATA.train.ids, *DATA.valid.ids}
    assert sum(map(len, held_out)) == len(DATA.train) + len(DATA.valid)


@pytest.mark.parametrize("seed", range(5))
def test_no_video_trains_and_validates(seed: int) -> None:
    data = folded(DATA, THREE, seed)
    train, valid = (set(groups_of(split.ids, "id.0")) for split in (data.train, data.valid))
    assert not train & valid
    assert len(train) > len(valid) > 0


def test_seeds_that_differ_by_the_number_of_folds_share_a_fold() -> None:
    assert folded(DATA, THREE, 1).valid.ids == folded(DATA, THREE, 4).valid.ids
    assert folded(DATA, THREE, 1).valid.ids != folded(DATA, THREE, 2).valid.ids


def test_the_samples_of_a_fold_keep_their_features_labels_and_lengths() -> None:
    data = folded(with_lengths(DATA), THREE, 1)
    for split in (data.train, data.valid):
        for row, name in enumerate(split.ids):
            source = with_lengths(DATA).train if name in DATA.train.ids else with_lengths(DATA).valid
            position = list(source.ids).index(name)
            for modality in MODALITIES:
                found = split.features[modality][np.array([row])]
                assert np.array_equal(found[0], source.features[modality][position])
            assert np.array_equal(split.labels[row], source.labels[position])
            assert split.lengths[Modality.AUDIO][row] == source.lengths[Modality.AUDIO][position]


def test_the_statistics_are_those_of_the_new_training_split() -> None:
    data = folded(with_lengths(DATA), THREE, 2)
    for modality in MODALITIES:
        everything = data.train.features[modality][:]
        expected = feature_statistics(everything, lengths=data.train.lengths.get(modality))
        assert np.array_equal(data.statistics[modality].mean, expected.mean)
        assert np.array_equal(data.statistics[modality].std, expected.std)


def test_without_folds_the_data_is_the_data() -> None:
    assert folded(DATA, None, 7) is DATA


def test_folds_are_about_equally_large() -> None:
    sizes = np.bincount(fold_numbers(DATA, THREE))
    assert sizes.max() - sizes.min() <= 3


def test_the_order_of_configurations_and_seeds_does_not_move_a_fold() -> None:
    first = fold_numbers(DATA, THREE)
    folded(DATA, THREE, 5)
    assert np.array_equal(first, fold_numbers(videos(tiny_data(TaskKind.EMOTIONS, train=24, valid=9)), THREE))


def test_any_part_of_an_id_or_the_whole_can_be_the_group() -> None:
    ids = ["s1/v1/0", "s1/v2/0", "s2/v1/1"]
    assert groups_of(ids, "id.0").tolist() == ["s1", "s1", "s2"]
    assert groups_of(ids, "id.1").tolist() == ["v1", "v2", "v1"]
    assert groups_of(ids, "id").tolist() == ids


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (FoldsConfig(folds=3, group="id.2"), r"group is id\.2, but the id 'a0/0' has 2 part.*id\.0 to id\.1"),
        (FoldsConfig(folds=12), r"folds is 12, but id\.0 gives only 11 group.*allowed: 2 to 11"),
        (FoldsConfig(folds=3, group="id.1"), "different in every sample, so it groups nothing"),
    ],
)
def test_folds_that_the_ids_cannot_give_are_refused(split: FoldsConfig, message: str) -> None:
    data = DATA if split.group != "id.1" else unique_numbers(DATA)
    with pytest.raises(UserError, match=message):
        folded(data, split, 0)


def unique_numbers(data: TrainingData) -> TrainingData:
    valid = replace(data.valid, ids=[f"b/{100 + i}" for i in range(len(data.valid))])
    return replace(data, valid=valid)


@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=4), data=st.data())
def test_rows_are_the_rows_of_the_arrays_laid_end_to_end(sizes: list[int], data: st.DataObject) -> None:
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal((size, 2, 3)).astype(np.float32) for size in sizes]
    chosen = np.array(data.draw(st.lists(st.integers(0, sum(sizes) - 1), max_size=9)), np.int64)
    whole = np.concatenate(parts)[chosen]
    rows = Rows(parts, chosen)
    assert (rows.shape, rows.dtype, len(rows)) == (whole.shape, whole.dtype, len(whole))
    for key in (slice(None), slice(1, 4), np.arange(len(whole))[::-1]):
        assert np.array_equal(rows[key], whole[key])


def test_runs_train_on_their_folds_and_their_models_remember_it(tmp_path: Path) -> None:
    config = tiny_config(TaskKind.EMOTIONS, trainer__max_epochs=1, data__split={"folds": 3})
    losses = []
    for seed in range(2):
        trainer = Trainer(config, DATA, seed=seed, device=torch.device("cpu"))
        losses.append([result.valid.total for result in trainer.epochs()])
        path = tmp_path / f"{seed}.safetensors"
        trainer.save_weights(path)
        trained = load_trained(path, DATA)
        assert trained.data.valid.ids == folded(DATA, THREE, seed).valid.ids
        assert trained.data.valid.ids == validating_ids(DATA, THREE, seed)
        (batch,) = trained.batches(trained.data.valid, size=99)()
        assert len(batch) == len(trained.data.valid)
    assert all(first != second for first, second in pairwise(losses))
