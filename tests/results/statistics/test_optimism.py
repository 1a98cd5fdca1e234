"""The optimism of the best, against simulated truth and by enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from results.statistics.optimism import resampled_optimism


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def optimism(scores: np.ndarray, **options: int) -> float:
    found = resampled_optimism(scores, rng(), direction="max", **options)
    assert found is not None
    return found.optimism


def test_it_is_the_mean_over_all_resamples_of_the_choice_on_the_seeds_left_out() -> None:
    scores = np.array([[0.70, 0.75, 0.60], [0.72, 0.61, 0.77], [0.50, 0.90, 0.55]])
    judged = []
    for drawn in itertools.product(range(3), repeat=3):
        if left_out := set(range(3)) - set(drawn):
            taken = scores[:, list(drawn)].mean(axis=1).argmax()
            judged.append(scores[taken, list(left_out)].mean())
    found = resampled_optimism(scores, rng(), direction="max", resamples=40_000)
    assert found is not None
    assert found.raw == pytest.approx(0.70)
    assert found.corrected == pytest.approx(np.mean(judged), abs=0.002)
    assert found.optimism == pytest.approx(found.raw - found.corrected)


def test_for_a_metric_of_which_less_is_better_it_is_mirrored() -> None:
    scores = rng(4).normal(size=(4, 5))
    up = resampled_optimism(scores, rng(), direction="max")
    down = resampled_optimism(-scores, rng(), direction="min")
    assert up is not None
    assert down is not None
    assert (down.raw, down.corrected, down.optimism) == pytest.approx((-up.raw, -up.corrected, up.optimism))


def test_what_a_seed_does_to_all_alike_does_not_change_who_is_taken() -> None:
    scores = rng(5).normal(size=(4, 6))
    alike = np.array([0.0, 3.0, -3.0, 2.0, -2.0, 0.0])
    assert optimism(scores + alike) == pytest.approx(optimism(scores), abs=0.15)


@pytest.mark.parametrize(("spread", "slack"), [(0.0, 0.03), (1.0, 0.11)])
@pytest.mark.parametrize("seeds", [3, 8])
def test_it_is_right_without_differences_and_somewhat_too_large_with_them(
    seeds: int, spread: float, slack: float
) -> None:
    """Over 500 simulated confirmations of 6 configurations whose true means are known; seeds spread by 1."""
    random = rng(seeds)
    truth = spread * random.normal(size=(500, 6))
    scores = truth[..., None] + random.normal(size=(500, 6, seeds))
    means = scores.mean(axis=2)
    rows, best = np.arange(500), means.argmax(axis=1)
    real = means[rows, best] - truth[rows, best]
    estimates = np.array([optimism(each, resamples=200) for each in scores])
    error = 3.5 * np.hypot(real.std(), estimates.std()) / np.sqrt(500)
    assert -error - 0.01 <= estimates.mean() - real.mean() <= slack + error


def test_seeds_that_chose_who_is_compared_judge_nobody() -> None:
    """The first seed chose 5 of 40: their scores on it are too good, and that belongs to the optimism of a mean in
    which they count. Judged by that seed as well, it comes out too small.
    """
    random, errors, without = rng(6), [], []
    for _ in range(400):
        truth = random.normal(size=40)
        first = truth + random.normal(size=40)
        kept = np.argsort(-first)[:5]
        scores = np.column_stack([first[kept], truth[kept, None] + random.normal(size=(5, 4))])
        real = scores.mean(axis=1).max() - truth[kept][scores.mean(axis=1).argmax()]
        errors.append(optimism(scores, earlier=1, resamples=200) - real)
        without.append(optimism(scores, resamples=200) - real)
    assert 0.0 < np.mean(errors) < 0.11
    assert np.mean(without) < -0.01


def test_where_nothing_can_be_held_out_there_is_none() -> None:
    for scores, earlier in ((np.ones((3, 1)), 0), (np.ones((1, 5)), 0), (np.ones((3, 2)), 1)):
        assert resampled_optimism(scores, rng(), direction="max", earlier=earlier) is None


def test_equal_generators_give_equal_estimates_and_bad_scores_are_refused() -> None:
    scores = rng(8).normal(size=(4, 5))
    one, same, other = (resampled_optimism(scores, rng(seed), direction="max") for seed in (0, 0, 1))
    assert one == same != other
    with pytest.raises(ValueError, match="finite scores"):
        resampled_optimism(np.full((2, 3), np.nan), rng(), direction="max")
