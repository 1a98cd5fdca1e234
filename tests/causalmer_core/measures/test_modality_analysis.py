"""Gaps and Shapley values: the axioms, a game solved by hand, and a trained model's own scores."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.modality import MODALITIES, Modality, subsets
from causalmer_core.basics.task import TaskKind
from causalmer_core.measures.ablation import Ablation
from causalmer_core.measures.metrics import label_metrics, metric_directions
from causalmer_core.measures.modality_analysis import Subset, drop_gaps, shapley
from causalmer_core.models.build import build_model
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import TrainedModel

TEXT, AUDIO, VISION = MODALITIES
ALL = frozenset(MODALITIES)
NONE: Subset = frozenset()
FLOATS = st.floats(-10, 10)
GAMES = arrays(np.float64, (8, 4), elements=FLOATS)
"""Four games at once: v(S) of the eight subsets in their order, along a trailing axis."""


def game(values: NDArray[np.float64]) -> dict[Subset, NDArray[np.float64]]:
    return dict(zip(subsets(), values, strict=True))


@given(values=GAMES)
def test_contributions_sum_to_full_minus_empty(values: NDArray[np.float64]) -> None:
    v = game(values)
    np.testing.assert_allclose(np.sum(list(shapley(v).values()), axis=0), v[ALL] - v[NONE], atol=1e-9)


@given(values=GAMES)
def test_a_contribution_is_the_mean_over_the_orders_of_coming_in(values: NDArray[np.float64]) -> None:
    v = game(values)
    expected = {m: np.zeros(4) for m in MODALITIES}
    for order in permutations(MODALITIES):
        for place, modality in enumerate(order):
            before = frozenset(order[:place])
            expected[modality] += (v[before | {modality}] - v[before]) / 6
    for modality, found in shapley(v).items():
        np.testing.assert_allclose(found, expected[modality], atol=1e-9)


@given(values=GAMES)
def test_modalities_that_add_the_same_contribute_the_same(values: NDArray[np.float64]) -> None:
    v = game(values)
    for others in (NONE, frozenset({VISION})):
        v[others | {AUDIO}] = v[others | {TEXT}]
    found = shapley(v)
    np.testing.assert_allclose(found[TEXT], found[AUDIO], atol=1e-9)


@given(values=GAMES)
def test_a_modality_that_adds_nothing_contributes_nothing(values: NDArray[np.float64]) -> None:
    v = game(values)
    for others in subsets((TEXT, AUDIO)):
        v[others | {VISION}] = v[others]
    np.testing.assert_array_equal(shapley(v)[VISION], np.zeros(4))


@given(one=GAMES, other=GAMES, factor=FLOATS)
def test_contributions_to_a_sum_are_sums_of_contributions(
    one: NDArray[np.float64], other: NDArray[np.float64], factor: float
) -> None:
    first, second, both = (shapley(game(values)) for values in (one, other, one + factor * other))
    for modality in MODALITIES:
        np.testing.assert_allclose(both[modality], first[modality] + factor * second[modality], atol=1e-9)


def test_gaps_and_contributions_of_a_game_solved_by_hand() -> None:
    scores = dict(zip(subsets(), [0.2, 0.6, 0.3, 0.4, 0.7, 0.8, 0.5, 0.9], strict=True))
    gaps = drop_gaps(scores)
    assert list(gaps.gaps) == list(subsets())[:-1]
    np.testing.assert_allclose(list(gaps.gaps.values()), [0.7, 0.3, 0.6, 0.5, 0.2, 0.1, 0.4])
    assert gaps.mean == pytest.approx((0.3 + 0.6 + 0.5 + 0.2 + 0.1 + 0.4) / 6)
    assert gaps.std == pytest.approx(np.sqrt(0.175 / 6))  # of 0.3, 0.6, 0.5, 0.2, 0.1, 0.4 around 0.35
    found = shapley(scores)
    # text: (0.6 - 0.2) / 3 + (0.7 - 0.3) / 6 + (0.8 - 0.4) / 6 + (0.9 - 0.5) / 3
    assert [found[m] for m in MODALITIES] == pytest.approx([0.4, 0.1, 0.2])


@given(values=GAMES)
def test_where_less_is_better_a_gap_is_a_rise_and_a_contribution_a_fall(values: NDArray[np.float64]) -> None:
    lower, upper = game(values), game(-values)
    one, other = drop_gaps(lower, "min"), drop_gaps(upper, "max")
    for present, gap in one.gaps.items():
        np.testing.assert_array_equal(gap, lower[present] - lower[ALL])
        np.testing.assert_array_equal(gap, other.gaps[present])
    np.testing.assert_array_equal(one.std, other.std)
    for modality in MODALITIES:
        np.testing.assert_array_equal(shapley(lower, "min")[modality], shapley(upper)[modality])


@given(values=arrays(np.float64, (8, 3, 2), elements=FLOATS))
def test_trailing_axes_are_games_of_their_own(values: NDArray[np.float64]) -> None:
    together, gaps = shapley(game(values)), drop_gaps(game(values))
    assert gaps.std.shape == together[TEXT].shape == (3, 2)
    alone = shapley(game(values[:, 1, 0]))
    assert [together[m][1, 0] for m in MODALITIES] == pytest.approx([alone[m] for m in MODALITIES])
    assert gaps.std[1, 0] == pytest.approx(drop_gaps(game(values[:, 1, 0])).std)


def test_a_subset_that_is_missing_is_named() -> None:
    scores: dict[Subset, float] = dict.fromkeys(subsets(), 0.5)
    del scores[frozenset({TEXT, VISION})], scores[NONE]
    for measure in (shapley, drop_gaps):
        with pytest.raises(ValueError, match="all eight subsets are needed; missing: none, tv"):
            measure(scores)


@pytest.mark.parametrize("kind", list(TaskKind))
@pytest.mark.parametrize("ablation", ["zero", "permutation"])
def test_every_metric_of_a_model_on_a_split_is_shared_out_in_full(kind: TaskKind, ablation: Any) -> None:
    data, config = tiny_data(kind), tiny_config(kind)
    model = TrainedModel(build_model(config.model, data), config, seed=2, epoch=1, data=data)
    batches = model.batches(data.valid, size=4)
    names = metric_directions(data.task)
    scores = {
        present: [
            evaluate(
                model.model, batches, config.loss, ablation=Ablation(kind=ablation, modalities=gone, seed=2)
            ).metrics[name]
            for name in names
        ]
        for present, gone in ((present, ALL - present) for present in subsets())
    }
    found = shapley(scores)
    np.testing.assert_allclose(
        np.sum(list(found.values()), axis=0), np.subtract(scores[ALL], scores[NONE]), atol=1e-12
    )
    assert np.abs(found[Modality.TEXT]).max() > 0
    parts = label_metrics(names, config.trainer.monitor)
    assert list(parts) == ([] if kind is TaskKind.REGRESSION else list(data.task.labels))
