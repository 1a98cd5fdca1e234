"""The search finds what is there and is not taken in by luck."""

from __future__ import annotations

import numpy as np
import pytest
from cached_logits import broken_shortcut, random_logits
from hypothesis import given
from hypothesis import strategies as st

from causalmer_core.basics.task import TaskKind
from causalmer_core.debiasing.cached_logits import CachedLogits, scores, tie
from causalmer_core.debiasing.vector import fixed
from results.statistics.intervals import t_interval
from sweeps.debiasing.folds import sample_folds
from sweeps.debiasing.search import VectorSearch, candidates, nested_gains, one_standard_error, search_vector

CONSTANTS = (0.3, 0.1, -0.2)
TRIALS = 500


def search(
    cached: CachedLogits, *, metric: str = "accuracy", direction: str = "max", seed: int = 0
) -> VectorSearch:
    folds = sample_folds([str(i) for i in range(len(cached))], 5, seed)
    return search_vector(
        cached, CONSTANTS, folds, metric=metric, direction=direction, trials=TRIALS, seed=seed
    )


def test_on_pure_noise_the_papers_vector_is_kept_and_no_gain_is_claimed() -> None:
    found = [search(random_logits(TaskKind.CLASSES, "mask", samples=200, seed=seed)) for seed in range(20)]
    kept = [one for one in found if one.kept_paper]
    assert len(kept) >= 15
    assert all(one.vector == fixed(CONSTANTS) for one in kept)
    intervals = [t_interval(one.fold_gains) for one in found]
    assert sum(i.low is not None and i.high is not None and i.low <= 0 <= i.high for i in intervals) >= 18


def test_the_most_lucky_candidate_of_noise_is_better_in_sample_and_not_chosen() -> None:
    cached = random_logits(TaskKind.CLASSES, "mask", samples=200, seed=3)
    found = search(cached)
    offsets = candidates(TRIALS, 0)
    rows = np.concatenate([np.array(CONSTANTS) + 2 * offsets[:, :3], 1 + offsets[:, 3:]], axis=1)
    in_sample = scores(cached, rows, "accuracy")
    assert in_sample.max() > in_sample[0] + 0.02
    assert found.vector == fixed(CONSTANTS)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_shortcut_that_breaks_in_validation_is_turned_around_and_the_gain_holds_on_fresh_data(
    seed: int,
) -> None:
    found = search(broken_shortcut(seed=seed))
    assert not found.kept_paper
    assert found.vector.w_vision > 1.4
    interval = t_interval(found.fold_gains)
    assert interval.low is not None
    assert interval.high is not None
    assert interval.low > 0
    rows = np.stack([fixed(CONSTANTS).as_row(), found.vector.as_row()])
    paper, better = scores(broken_shortcut(samples=4000, seed=seed + 100), rows, "accuracy")
    assert interval.low <= better - paper <= interval.high


def test_a_smaller_error_is_a_gain_too() -> None:
    noise = random_logits(TaskKind.REGRESSION, "mask", samples=200, seed=1)
    target = tie(noise, fixed((1.3, -0.9, 0.8), (0.2, 1.8, 0.4)))[:, 0]
    cached = CachedLogits(
        noise.multimodal, noise.text, noise.audio, noise.vision, target, noise.task, noise.fusion
    )
    found = search(cached, metric="mae", direction="min")
    rows = np.stack([fixed(CONSTANTS).as_row(), found.vector.as_row()])
    paper, better = scores(cached, rows, "mae")
    assert better < paper
    assert np.mean(found.fold_gains) > 0


def test_the_same_seed_chooses_the_same() -> None:
    cached = broken_shortcut()
    assert search(cached) == search(cached)
    candidates.cache_clear()
    assert search(cached) == search(cached)


def test_candidates_differ_by_seed_and_lie_around_the_papers_vector_at_every_distance() -> None:
    first, other = candidates(256, 0), candidates(256, 1)
    assert first.shape == (257, 6)
    assert not first[0].any()
    assert np.abs(first).max() <= 1.0
    assert not np.array_equal(first, other)
    distances = np.linalg.norm(first, axis=1)
    assert ((distances > 0) & (distances < 0.3)).sum() > 20
    assert (distances > 1.0).sum() > 40
    assert np.abs(first.mean(axis=0)).max() < 0.05


def test_more_trials_begin_with_the_same_candidates() -> None:
    assert np.array_equal(candidates(64, 0), candidates(128, 0)[:65])


@given(
    found=st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=2, max_size=12),
    seed=st.integers(0, 10**6),
)
def test_the_rule_takes_no_candidate_further_from_the_papers_than_the_best(
    found: list[list[int]], seed: int
) -> None:
    values = np.array(found, np.float64)
    offsets = np.random.default_rng(seed).uniform(-1, 1, (len(values), 6))
    offsets[0] = 0.0
    chosen, best = one_standard_error(values, offsets), int(values.mean(axis=1).argmax())
    distances = np.linalg.norm(offsets, axis=1)
    assert distances[chosen] <= distances[best]
    behind = values[best] - values[chosen]
    assert behind.mean() <= behind.std(ddof=1) / 2 + 1e-12


def test_a_candidate_that_wins_on_every_fold_alike_is_taken_and_one_that_wins_on_one_is_not() -> None:
    offsets = np.array([[0.0] * 6, [0.5] * 6])
    steady = np.array([[0.5, 0.6, 0.7, 0.8], [0.6, 0.7, 0.8, 0.9]])
    lucky = np.array([[0.5, 0.6, 0.7, 0.8], [0.9, 0.6, 0.7, 0.8]])
    assert one_standard_error(steady, offsets) == 1
    assert one_standard_error(lucky, offsets) == 0
    assert nested_gains(steady, offsets) == pytest.approx((0.1, 0.1, 0.1, 0.1))
    assert nested_gains(lucky, offsets)[0] == 0.0  # without the first fold nothing speaks for the candidate


def test_two_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="at least three folds, given 2"):
        search_vector(
            broken_shortcut(),
            CONSTANTS,
            [np.arange(100), np.arange(100, 200)],
            metric="accuracy",
            direction="max",
        )
