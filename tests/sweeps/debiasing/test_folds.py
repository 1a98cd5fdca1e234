"""Folds keep videos together and hold every sample once; gains are of samples without a part in the choice."""

from __future__ import annotations

import numpy as np
import pytest
from cached_logits import broken_shortcut
from hypothesis import given
from hypothesis import strategies as st

from causalmer_core.basics.errors import UserError
from causalmer_core.debiasing.cached_logits import CachedLogits
from causalmer_core.debiasing.vector import DebiasingVector, fixed
from sweeps.debiasing.folds import fold_gains, sample_folds


@given(
    videos=st.lists(st.integers(1, 9), min_size=3, max_size=12),
    folds=st.integers(3, 6),
    seed=st.integers(0, 10**6),
)
def test_every_sample_is_in_one_fold_and_every_video_too(videos: list[int], folds: int, seed: int) -> None:
    ids = [f"v{video}/{part}" for video, count in enumerate(videos) for part in range(count)]
    found = sample_folds(ids, folds, seed)
    assert len(found) == min(folds, len(videos))
    assert sorted(np.concatenate(found).tolist()) == list(range(len(ids)))
    of_videos = [{ids[sample].partition("/")[0] for sample in fold} for fold in found]
    assert sum(map(len, of_videos)) == len(videos)
    sizes = sorted(map(len, found))
    assert sizes[-1] - sizes[0] <= max(videos)


@pytest.mark.parametrize("ids", [[f"valid-{i}" for i in range(11)], ["v/0", "v/1", "w/2", "v/3", "w/4"]])
def test_without_videos_samples_are_dealt_evenly(ids: list[str]) -> None:
    sizes = {len(fold) for fold in sample_folds(ids, 3, 0)}
    assert max(sizes) - min(sizes) <= 1


def test_folds_depend_on_the_seed_and_on_nothing_else() -> None:
    ids = [f"valid-{i}" for i in range(30)]
    first, again, other = (sample_folds(ids, 5, seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_two_samples_are_too_few_and_the_message_says_how_to_do_without() -> None:
    with pytest.raises(UserError, match=r"at least 3 folds.*2 samples.*methods: \[\]"):
        sample_folds(["a", "b"], 5, 0)


@pytest.mark.parametrize(("direction", "sign"), [("max", 1.0), ("min", -1.0)])
def test_a_gain_is_on_the_fold_held_out_and_positive_where_better(direction: str, sign: float) -> None:
    cached = broken_shortcut(samples=60)
    folds = sample_folds([str(i) for i in range(60)], 4, 0)
    seen: list[int] = []

    def choose(others: CachedLogits) -> DebiasingVector:
        seen.append(len(others))
        return fixed((0, 0, 0), (1, 1, 2))

    gains = fold_gains(cached, folds, choose, fixed((0, 0, 0)), metric="accuracy", direction=direction)
    assert seen == [60 - len(fold) for fold in folds]
    assert all(sign * gain > 0 for gain in gains)
