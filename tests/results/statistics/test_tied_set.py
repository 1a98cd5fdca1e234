"""The tied set: known answers, which test where, and how often the truly best is in it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from causalmer_core.measures.metrics import Direction
from results.statistics.paired import least_p
from results.statistics.tied_set import TiedSet, seeds_needed, tied_set


def found(rows: dict[str, list[float]], *, direction: Direction = "max", level: float = 0.05) -> TiedSet:
    scores = {name: dict(enumerate(row)) for name, row in rows.items()}
    rng = np.random.default_rng(0)
    return tied_set(scores, direction=direction, rng=rng, level=level)


NOISE = [0.00, 0.02, -0.01, 0.01, -0.02, 0.03, -0.03]


def test_those_far_behind_are_told_apart_and_those_close_are_not() -> None:
    near = [0.80 + e for e in reversed(NOISE)]
    far = [0.60 + e for e in reversed(NOISE)]
    tied = found({"far": far, "best": [0.81 + e for e in NOISE], "near": near})
    assert (tied.best, tied.tied) == ("best", ("best", "near"))
    assert tied.test == "sign_flip"
    assert tied.p_values["far"] == pytest.approx(2 * least_p(7))
    assert tied.p_values["near"] > 0.05


def test_for_a_metric_of_which_less_is_better_the_least_is_the_best() -> None:
    tied = found({"a": [0.9 + e for e in NOISE], "b": [0.5 - e for e in NOISE]}, direction="min")
    assert (tied.best, tied.tied) == ("b", ("b",))


def test_pairs_tell_apart_what_means_with_their_spreads_do_not() -> None:
    """A seed moves both by far more than they differ."""
    luck = [0.0, 0.3, -0.2, 0.1, -0.3, 0.2, 0.05]
    tied = found(
        {"a": [0.70 + e for e in luck], "b": [0.69 + e + n / 10 for e, n in zip(luck, NOISE, strict=True)]}
    )
    assert tied.tied == ("a",)


def test_the_correction_counts_the_comparisons() -> None:
    """With six seeds one comparison can reach 0.05 by sign flips, two cannot: there it is Student's."""
    rows = {"a": [0.8 + e for e in NOISE[:6]], "b": [0.7 - e for e in NOISE[:6]]}
    alone = found(rows)
    assert (alone.test, alone.tied, alone.p_values) == ("sign_flip", ("a",), {"b": pytest.approx(2 / 64)})
    three = found({**rows, "c": [0.795 - e for e in NOISE[:6]]})
    assert (three.test, three.tied) == ("t", ("a", "c"))
    assert "the sign-flip test needs 7 seeds" in three.method


def test_students_p_values_are_scipys() -> None:
    a, b, c = [0.8, 0.7, 0.9, 0.8], [0.7, 0.7, 0.85, 0.7], [0.75, 0.6, 0.8, 0.9]
    one, other = stats.ttest_rel(a, b).pvalue, stats.ttest_rel(a, c).pvalue
    assert one < other
    assert found({"a": a, "b": b, "c": c}).p_values == pytest.approx({"b": 2 * one, "c": max(2 * one, other)})


@pytest.mark.parametrize(("comparisons", "seeds"), [(1, 6), (2, 7), (9, 9)])
def test_the_seeds_needed_are_the_fewest_that_reach_the_level(comparisons: int, seeds: int) -> None:
    assert seeds_needed(comparisons, 0.05) == seeds
    assert comparisons * least_p(seeds) <= 0.05 < comparisons * least_p(seeds - 1)


def test_one_seed_tells_none_apart_and_says_so() -> None:
    tied = found({"a": [0.9], "b": [0.1]})
    assert (tied.tied, tied.p_values, tied.test) == (("a", "b"), {}, "none")
    assert tied.method == "one seed tells none apart"


def test_equal_differences_on_few_seeds_have_no_spread_to_judge_them_by() -> None:
    assert found({"a": [0.8, 0.7, 0.9], "b": [0.7, 0.6, 0.8]}).tied == ("a", "b")
    assert found({"a": [0.8] * 6, "b": [0.7] * 6}).tied == ("a",)
    assert found({"a": [0.8, 0.7, 0.6], "b": [0.8, 0.7, 0.6]}).tied == ("a", "b")


def test_only_seeds_that_all_have_are_looked_at() -> None:
    scores = {"a": {1: 0.5, 2: 0.6, 3: 9.0}, "b": {2: 0.5, 1: 0.7, 4: 0.0}}
    tied = tied_set(scores, direction="max", rng=np.random.default_rng(0))
    assert (tied.seeds, tied.best) == ((1, 2), "b")
    with pytest.raises(ValueError, match="seed in common"):
        tied_set({"a": {1: 0.5}, "b": {2: 0.5}}, direction="max", rng=np.random.default_rng(0))


@pytest.mark.parametrize(("seeds", "spread"), [(4, 1.0), (8, 0.0)])
def test_the_truly_best_is_in_it_as_often_as_the_level_says(seeds: int, spread: float) -> None:
    """300 simulated confirmations of 5 configurations, by Student's test and by sign flips."""
    random, held = np.random.default_rng(seeds), 0
    for _ in range(300):
        truth = spread * random.normal(size=5)
        scores = truth[:, None] + random.normal(size=(5, seeds)) + random.normal(size=seeds)
        held += str(truth.argmax()) in found({str(i): row for i, row in enumerate(scores.tolist())}).tied
    assert held / 300 >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)
