"""Removal of evidence: what goes is what was asked for, equal for equal seeds, however the batches are cut."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.modality import MODALITIES, Batch, Modality, subset_name, subsets
from causalmer_core.basics.seeding import numpy_stream
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.batches import Batches, batches_for
from causalmer_core.measures.ablation import (
    NO_ABLATION,
    STEP_ABLATIONS,
    Ablation,
    ablations,
    cycle,
    lost_spans,
    present_mask,
)

DATA = tiny_data(TaskKind.EMOTIONS, valid=23)
CPU = torch.device("cpu")
ALL = frozenset(MODALITIES)
DRAWN = ("permutation", *STEP_ABLATIONS)
KINDS = ("zero", "mean", *DRAWN)
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def with_lengths(split: Split) -> Split:
    """The split with the lengths that its trailing zeros show."""
    return replace(
        split, lengths={m: x.any(axis=2).sum(axis=1).astype(np.int64) for m, x in split.features.items()}
    )


SPLIT = with_lengths(DATA.valid)


def ablation(
    kind: str, modalities: frozenset[Modality] = ALL, *, rate: float = 0.4, seed: int = 5
) -> Ablation:
    given_rate = rate if kind in STEP_ABLATIONS else None
    return Ablation(kind=kind, modalities=modalities, rate=given_rate, seed=seed)  # type: ignore[arg-type]


def batches(*, size: int = 64, standardise: bool = True, split: Split = SPLIT) -> Batches:
    means = {m: s.mean for m, s in DATA.statistics.items()}
    return Batches(split, DATA.statistics if standardise else None, size=size, device=CPU, means=means)


def whole(ablation: Ablation, **options: Any) -> Batch:
    """All samples of the split as one batch, whatever the size they came in."""
    parts = list(ablation.applied(batches(**options)))
    text, audio, vision = (torch.cat([part[m] for part in parts]) for m in MODALITIES)
    masks = {m: torch.cat([part.masks[m] for part in parts]) for m in parts[0].masks}
    return Batch(text, audio, vision, torch.cat([part.labels for part in parts]), masks)


def same(one: Batch, other: Batch) -> bool:
    tensors = [(one[m], other[m]) for m in MODALITIES] + [(one.labels, other.labels)]
    tensors += [(one.masks[m], other.masks[m]) for m in MODALITIES]
    return all(torch.equal(a, b) for a, b in tensors)


FULL = whole(NO_ABLATION)


@EVERY_KIND
def test_the_result_does_not_depend_on_the_batch_size(kind: str) -> None:
    expected = whole(ablation(kind))
    assert all(same(whole(ablation(kind), size=size), expected) for size in (2, 5, 23))


@EVERY_KIND
def test_equal_seeds_remove_the_same_and_other_seeds_something_else(kind: str) -> None:
    expected = whole(ablation(kind))
    assert same(whole(ablation(kind)), expected)
    assert same(whole(ablation(kind, seed=0)), expected) == (kind not in DRAWN)


@EVERY_KIND
@pytest.mark.parametrize("gone", list(subsets()), ids=subset_name)
def test_other_modalities_and_the_labels_stay_and_removed_ones_change(
    kind: str, gone: frozenset[Modality]
) -> None:
    found = whole(ablation(kind, gone))
    assert torch.equal(found.labels, FULL.labels)
    for modality in MODALITIES:
        untouched = torch.equal(found[modality], FULL[modality])
        assert untouched == (modality not in gone)
        if modality not in gone or kind != "permutation":
            assert torch.equal(found.masks[modality], FULL.masks[modality])


def test_nothing_removed_is_the_batches_themselves() -> None:
    (expected,) = batches()()
    assert same(FULL, expected)


def test_the_mean_of_standardised_features_is_zero() -> None:
    assert same(whole(ablation("mean")), whole(ablation("zero")))


def test_the_mean_of_raw_features_is_that_of_training_where_steps_are_there_and_padding_stays_zero() -> None:
    gone = frozenset({Modality.TEXT, Modality.AUDIO})
    found, full = (whole(r, standardise=False) for r in (ablation("mean", gone), NO_ABLATION))
    for modality in gone:
        train = DATA.train.features[modality]
        mean = np.asarray(train)[np.asarray(train).any(axis=2)].mean(axis=0)
        present = present_mask(full[modality]).numpy()
        assert 0 < (~present).sum() < present.size
        np.testing.assert_allclose(
            found[modality].numpy()[present], np.tile(mean, (present.sum(), 1)), rtol=1e-6
        )
        assert not found[modality].numpy()[~present].any()
    assert torch.equal(found.vision, full.vision)


def test_raw_features_without_known_means_cannot_be_filled() -> None:
    unknown = Batches(SPLIT, None, size=4, device=CPU)
    with pytest.raises(ValueError, match="need 'means' to be filled"):
        list(ablation("mean").applied(unknown))


def test_the_batches_of_a_configuration_know_the_means() -> None:
    raw = batches_for(
        tiny_config(TaskKind.EMOTIONS, data__standardise="never").data, DATA, SPLIT, size=64, device=CPU
    )
    (found,) = ablation("mean").applied(raw)
    assert torch.equal(found.text[0, 0], torch.from_numpy(DATA.statistics[Modality.TEXT].mean))


def test_permutation_gives_every_sample_the_features_and_the_mask_of_another_and_each_donor_once() -> None:
    gone = frozenset({Modality.TEXT, Modality.VISION})
    found = whole(ablation("permutation", gone))
    donors = cycle(len(SPLIT), numpy_stream(5, "removal", "permutation"))
    assert sorted(donors) == list(range(len(SPLIT)))
    for modality in gone:
        assert torch.equal(found[modality], FULL[modality][donors])
        assert torch.equal(found.masks[modality], FULL.masks[modality][donors])


@given(samples=st.integers(2, 40), key=st.integers(0, 2**32 - 1))
def test_a_cycle_leaves_no_sample_to_itself_and_comes_back_only_after_all(samples: int, key: int) -> None:
    donors = cycle(samples, np.random.default_rng(key))
    place, steps = int(donors[0]), 1
    while place != 0:
        place, steps = int(donors[place]), steps + 1
    assert steps == samples


def test_a_sample_alone_keeps_what_it_has() -> None:
    assert cycle(1, np.random.default_rng(0)).tolist() == [0]


@pytest.mark.parametrize("kind", STEP_ABLATIONS)
def test_rate_zero_removes_nothing_and_rate_one_every_step(kind: str) -> None:
    assert same(whole(ablation(kind, rate=0.0)), FULL)
    assert same(whole(ablation(kind, rate=1.0)), whole(ablation("zero")))


@pytest.mark.parametrize("kind", STEP_ABLATIONS)
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_about_the_rates_share_of_the_steps_that_are_there_goes(kind: str, rate: float) -> None:
    """Over 20 seeds: a share of 20 n steps, whose standard error is at most 0.5 / sqrt(20 n)."""
    gone = total = 0
    for seed in range(20):
        found = whole(ablation(kind, rate=rate, seed=seed))
        for modality in MODALITIES:
            before, after = present_mask(FULL[modality]), present_mask(found[modality])
            assert not (after & ~before).any()
            assert torch.equal(found[modality][after], FULL[modality][after])
            gone, total = gone + int((before & ~after).sum()), total + int(before.sum())
    # A span's length is rounded, and here a half goes up or down by as much as 0.5 of 1 to 8 steps.
    assert gone / total == pytest.approx(
        rate, abs=4 * 0.5 / np.sqrt(total) + (0.04 if kind == "spans" else 0)
    )


@pytest.mark.parametrize("kind", STEP_ABLATIONS)
def test_modalities_lose_steps_independently_of_each_other(kind: str) -> None:
    alike = replace(SPLIT, features=dict.fromkeys(MODALITIES, SPLIT.features[Modality.AUDIO]), lengths={})
    found = whole(ablation(kind, rate=0.5), split=alike, standardise=False)
    assert not torch.equal(found.text, found.audio)
    assert not torch.equal(found.audio, found.vision)
    alone = ablation(kind, frozenset({Modality.AUDIO}), rate=0.5)
    assert torch.equal(whole(alone, split=alike, standardise=False).audio, found.audio)


def test_a_higher_rate_takes_the_same_steps_and_more() -> None:
    kept = [present_mask(whole(ablation("random_steps", rate=rate)).audio) for rate in (0.2, 0.5, 0.8)]
    for less, more in zip(kept[1:], kept, strict=False):
        assert (less & ~more).sum() == 0
        assert less.sum() < more.sum()


@settings(max_examples=60)
@given(
    present=st.lists(st.booleans(), min_size=1, max_size=12),
    rate=st.floats(0, 1),
    place=st.floats(0, 1, exclude_max=True),
)
def test_a_span_is_one_run_of_the_rounded_share_of_the_steps_that_are_there(
    present: list[bool], rate: float, place: float
) -> None:
    mask = torch.tensor([present])
    gone = lost_spans(mask, rate, torch.tensor([place], dtype=torch.float64))
    assert not (gone & ~mask).any()
    among = gone[mask].tolist()
    length = round(rate * len(among))
    assert sum(among) == length
    assert length == 0 or "".join("x" if lost else " " for lost in among).strip() == "x" * length


def test_every_place_of_a_span_is_reached() -> None:
    mask = torch.ones(1, 5, dtype=torch.bool)
    first = {
        int(lost_spans(mask, 0.4, torch.tensor([u], dtype=torch.float64))[0].int().argmax())
        for u in np.linspace(0, 0.999, 50)
    }
    assert first == {0, 1, 2, 3}


def test_a_run_is_evaluated_whole_then_by_every_way_and_never_whole_twice() -> None:
    found = [(r.kind, r.present, r.rate) for r in ablations(("zero", "mean", "permutation"), (0.1, 0.9), 3)]
    names = [subset_name(present) for present in subsets()]
    assert found == [
        *(("zero", name, None) for name in names),
        *(("mean", name, None) for name in names[:-1]),
        *(("permutation", name, None) for name in names[:-1]),
        *((kind, "tav", rate) for kind in STEP_ABLATIONS for rate in (0.1, 0.9)),
    ]
    assert {r.seed for r in ablations(("zero",), (0.1,), 3)} == {3}


@pytest.mark.parametrize(
    ("kind", "rate", "words"),
    [
        ("zero", 0.5, "a rate goes with random_steps and spans; given 0.5 for zero"),
        ("spans", None, "a rate goes with random_steps and spans; given None for spans"),
        ("random_steps", 1.1, "between 0 and 1, given 1.1"),
    ],
)
def test_a_rate_without_steps_or_outside_its_range_is_refused(kind: Any, rate: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Ablation(kind=kind, modalities=ALL, rate=rate)
