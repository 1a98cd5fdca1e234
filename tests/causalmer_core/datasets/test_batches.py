"""The order of samples, the bounds of batches, and standardisation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.base import FeatureStatistics, Split
from causalmer_core.datasets.batches import (
    Batches,
    batch_bounds,
    batches_for,
    chosen_statistics,
    epoch_order,
    scales_differ,
)

CPU = torch.device("cpu")
DATA = tiny_data(TaskKind.EMOTIONS)


@given(samples=st.integers(1, 200), seed=st.integers(0, 50), epoch=st.integers(1, 50))
def test_an_epoch_s_order_is_a_permutation_that_seed_and_epoch_fix(
    samples: int, seed: int, epoch: int
) -> None:
    order = epoch_order(samples, seed, epoch)
    assert sorted(order) == list(range(samples))
    assert np.array_equal(order, epoch_order(samples, seed, epoch))


def test_orders_differ_between_seeds_and_between_epochs() -> None:
    orders = {tuple(epoch_order(50, seed, epoch)) for seed in range(5) for epoch in range(1, 6)}
    assert len(orders) == 25


@given(samples=st.integers(2, 200), size=st.integers(2, 40))
def test_batches_cover_every_sample_once_and_none_holds_one(samples: int, size: int) -> None:
    bounds = list(batch_bounds(samples, size))
    assert [i for start, stop in bounds for i in range(start, stop)] == list(range(samples))
    sizes = [stop - start for start, stop in bounds]
    assert all(n == size for n in sizes[:-1])
    assert 2 <= sizes[-1] <= size + 1


def test_a_last_batch_of_one_joins_the_one_before() -> None:
    assert list(batch_bounds(9, 4)) == [(0, 4), (4, 9)]
    assert list(batch_bounds(10, 4)) == [(0, 4), (4, 8), (8, 10)]
    assert list(batch_bounds(1, 4)) == [(0, 1)]


def test_batches_carry_the_samples_in_the_order_given() -> None:
    order = epoch_order(len(DATA.train), 3, 1)
    batches = list(Batches(DATA.train, None, size=4, device=CPU)(order))
    assert [len(b) for b in batches] == [4, 4, 4, 4, 5]
    for modality in MODALITIES:
        found = torch.cat([b[modality] for b in batches]).numpy()
        assert found.dtype == np.float32
        assert np.array_equal(found, DATA.train.features[modality][order])
    assert np.array_equal(torch.cat([b.labels for b in batches]), DATA.train.labels[order])


def test_without_an_order_it_is_the_split_s_own() -> None:
    batches = list(Batches(DATA.valid, None, size=4, device=CPU)())
    assert np.array_equal(torch.cat([b.labels for b in batches]), DATA.valid.labels)


def test_a_batch_is_a_copy_that_may_be_changed() -> None:
    before = DATA.valid.features[Modality.TEXT].copy()
    for batch in Batches(DATA.valid, None, size=4, device=CPU)():
        batch.text.zero_()
    assert np.array_equal(DATA.valid.features[Modality.TEXT], before)


def test_standardised_training_steps_have_mean_zero_and_deviation_one_and_padding_stays_zero() -> None:
    shifted = {
        m: np.where(x.any(axis=2, keepdims=True), 7 * x + 3, 0) for m, x in DATA.train.features.items()
    }
    split = replace(DATA.train, features=shifted)
    steps = {m: x[x.any(axis=2)] for m, x in shifted.items()}
    statistics = {m: FeatureStatistics(x.mean(axis=0), x.std(axis=0)) for m, x in steps.items()}
    batches = list(Batches(split, statistics, size=4, device=CPU)())
    for modality in MODALITIES:
        found = torch.cat([b[modality] for b in batches]).numpy()
        present = shifted[modality].any(axis=2)
        assert (~present).any()
        assert found.dtype == np.float32
        assert not found[~present].any()
        np.testing.assert_allclose(found[present].mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(found[present].std(axis=0), 1, atol=1e-5)


def test_without_statistics_the_features_are_as_they_are() -> None:
    (batch,) = Batches(DATA.valid, None, size=50, device=CPU)()
    assert np.array_equal(batch.vision, DATA.valid.features[Modality.VISION])


@pytest.mark.parametrize(("factor", "differ"), [(1.0, False), (2.5, False), (4.0, True), (0.2, True)])
def test_automatic_standardisation_goes_by_a_factor_of_three_between_scales(
    factor: float, differ: bool
) -> None:
    unit = {m: FeatureStatistics(np.zeros(3, np.float32), np.ones(3, np.float32)) for m in MODALITIES}
    scaled = replace(unit[Modality.AUDIO], std=np.full(3, factor, np.float32))
    data = replace(DATA, statistics=unit | {Modality.AUDIO: scaled})
    assert scales_differ(data.statistics) is differ
    assert (chosen_statistics(data, "auto") is not None) is differ
    assert chosen_statistics(data, "always") is data.statistics
    assert chosen_statistics(data, "never") is None


def with_lengths(lengths: dict[Modality, list[int]]) -> Split:
    return replace(DATA.valid, lengths={m: np.array(values) for m, values in lengths.items()})


def test_lengths_become_masks_and_what_lies_beyond_them_zeros() -> None:
    split = with_lengths({Modality.AUDIO: [8, 3, 0, 1, 8, 8, 8, 8, 2]})
    (batch,) = Batches(split, DATA.statistics, size=50, device=CPU)()
    mask = batch.mask(Modality.AUDIO)
    assert mask is not None
    assert mask.sum(dim=1).tolist() == [8, 3, 0, 1, 8, 8, 8, 8, 2]
    assert mask[1].tolist() == [True] * 3 + [False] * 5
    assert not batch.audio[~mask].any()
    assert batch.mask(Modality.TEXT) is None
    (plain,) = Batches(DATA.valid, DATA.statistics, size=50, device=CPU)()
    assert torch.equal(batch.audio[mask], plain.audio[mask])
    assert torch.equal(batch.text, plain.text)


def test_masks_can_be_left_out_for_the_published_form() -> None:
    split = with_lengths({m: [1] * 9 for m in MODALITIES})
    config = tiny_config(TaskKind.EMOTIONS, data__padding_masks=False)
    (batch,) = batches_for(config.data, DATA, split, size=50, device=CPU)()
    (plain,) = batches_for(config.data, DATA, DATA.valid, size=50, device=CPU)()
    assert not batch.masks
    assert torch.equal(batch.vision, plain.vision)


def test_masks_go_with_their_samples_and_to_their_device() -> None:
    split = with_lengths({Modality.TEXT: list(range(1, 6)) + [5] * 4})
    first, second = Batches(split, None, size=4, device=CPU)(np.arange(9)[::-1])
    mask = second.to(CPU).mask(Modality.TEXT)
    assert mask is not None
    assert mask.sum(dim=1).tolist() == [5, 4, 3, 2, 1]
    assert first.masks[Modality.TEXT].all()
