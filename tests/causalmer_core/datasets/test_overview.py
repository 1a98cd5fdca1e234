"""Steps that are there are counted sample by sample, and groups that lie in two splits are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tiny_data import LENGTHS, tiny_data

from causalmer_core.basics.modality import Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.overview import Groups, groups, step_counts

DATA = tiny_data(TaskKind.EMOTIONS)


def test_zero_steps_and_steps_beyond_the_length_are_not_there() -> None:
    audio = np.ones((3, 8, 2), np.float32)
    audio[0, :3] = 0
    split = replace(DATA.valid, features={**DATA.valid.features, Modality.AUDIO: audio})
    found = step_counts(split, Modality.AUDIO)
    assert found.counts.tolist() == [5, 8, 8]
    assert not found.from_lengths
    short = step_counts(replace(split, lengths={Modality.AUDIO: np.array([4, 0, 8])}), Modality.AUDIO)
    assert short.counts.tolist() == [1, 0, 8]
    assert short.from_lengths


def test_the_histogram_has_a_bin_a_count_or_as_many_as_asked_for_and_holds_every_sample() -> None:
    found = step_counts(DATA.train, Modality.TEXT)
    assert (
        found.histogram(16).tolist()
        == np.bincount(found.counts, minlength=LENGTHS[Modality.TEXT] + 1).tolist()
    )
    assert len(found.histogram(3)) == 3
    assert found.histogram(3).sum() == len(DATA.train)


def test_groups_are_the_first_parts_of_ids() -> None:
    data = replace(
        DATA,
        train=replace(DATA.train, ids=[f"v{i // 3}/{i}" for i in range(21)]),
        valid=replace(DATA.valid, ids=[f"v{6 + i // 3}/{i}" for i in range(9)]),
    )
    assert groups(data) == Groups(train=7, valid=3, shared=1)
    assert groups(DATA) is None
