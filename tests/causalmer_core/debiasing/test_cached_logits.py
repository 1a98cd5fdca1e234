"""Choosing after training: the fast path is the slow one, and the fit finds the best weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cached_logits import broken_shortcut, fitted_loss, random_logits
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.batches import Batches, chosen_statistics
from causalmer_core.debiasing.cached_logits import (
    CachedLogits,
    collect,
    factual,
    scores,
    subset_scores,
    tie,
    trained_constants,
)
from causalmer_core.debiasing.fit import learned
from causalmer_core.debiasing.vector import DebiasingVector, fixed
from causalmer_core.measures.ablation import Ablation
from causalmer_core.measures.metrics import compute_metrics, metric_directions, predicted_labels
from causalmer_core.method.effects import effects
from causalmer_core.method.fusion import FUSIONS
from causalmer_core.models.build import build_model
from causalmer_core.models.causalmer import CausalMER
from causalmer_core.training.trained_model import TrainedModel

CONSTANTS = (0.4, -0.3, 0.8)
EVERY_FUSION = [(name, "log_space") for name in FUSIONS] + [("sum", "published"), ("hm", "published")]


def vectors(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.uniform(-2, 2, (count, 3)), rng.uniform(0, 2, (count, 3))], axis=1)


def trained(kind: TaskKind = TaskKind.EMOTIONS, **values: object) -> TrainedModel:
    config = tiny_config(kind, **values)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return TrainedModel(
            build_model(config.model, tiny_data(kind)), config, seed=3, epoch=1, data=tiny_data(kind)
        )


@pytest.mark.parametrize("kind", list(TaskKind))
@pytest.mark.parametrize(("fusion", "form"), EVERY_FUSION)
def test_thousands_at_once_score_as_one_at_a_time(kind: TaskKind, fusion: str, form: str) -> None:
    cached = random_logits(kind, fusion, form=form)
    rows = vectors(700)  # more than one chunk
    checked = range(0, 700, 50)
    slow = []
    for row in rows[checked]:
        z = effects(cached.fuse, cached.branches, torch.tensor(row[:3], dtype=torch.float32))
        logits = z.tie(tuple(row[3:].tolist())).numpy()
        np.testing.assert_allclose(tie(cached, DebiasingVector(*row)), logits, rtol=1e-5, atol=1e-5)
        slow.append(compute_metrics(cached.task, predicted_labels(cached.task, logits), cached.labels))
    for name in metric_directions(cached.task):
        fast = scores(cached, rows, name)[checked]
        np.testing.assert_allclose(fast, [metrics[name] for metrics in slow], atol=1e-6, err_msg=name)


def test_a_subset_scores_as_its_samples_alone() -> None:
    cached = random_logits(TaskKind.EMOTIONS, "mask")
    rows = vectors(5)
    parts = [np.arange(0, 20), np.arange(15, 60, 3)]
    found = subset_scores(cached, rows, "weighted_f1", parts)
    alone = [scores(cached.subset(part), rows, "weighted_f1") for part in parts]
    np.testing.assert_allclose(found, np.stack(alone, axis=1))


def test_vectors_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(K, 6\), given \(6,\)"):
        scores(random_logits(TaskKind.CLASSES, "sum"), np.ones(6), "accuracy")


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_the_configured_vector_predicts_what_the_model_predicts(fusion: str) -> None:
    weights = {"text": 0.5, "audio": 1.5, "vision": 0.0}
    run = trained(model__fusion=fusion, model__initial_constant=0.3, model__debiasing_weights=weights)
    assert isinstance(run.model, CausalMER)
    data = tiny_data(TaskKind.EMOTIONS)
    removed = frozenset({Modality.AUDIO})
    cached = collect(run, data.valid, ablation=Ablation(modalities=removed))
    configured = fixed(trained_constants(run), tuple(weights.values()))
    statistics = chosen_statistics(data, run.config.data.standardise)
    (batch,) = Batches(data.valid, statistics, size=64, device=torch.device("cpu"))()
    with torch.no_grad():
        output = run.model.eval()(batch.without(removed))
        expected = run.model.predict(output)
        plain = run.model.effects(output.logits).factual
    np.testing.assert_allclose(tie(cached, configured), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(factual(cached), plain, rtol=1e-5, atol=1e-6)
    assert np.array_equal(cached.labels, data.valid.labels)


def test_a_model_without_counterfactuals_has_nothing_to_choose() -> None:
    data = tiny_data(TaskKind.EMOTIONS)
    with pytest.raises(UserError, match=r"model\.debiasing is 'none'; allowed: 'counterfactual'"):
        collect(trained(model__debiasing="none"), data.valid)


def grid(constraint: str) -> np.ndarray:
    steps = np.linspace(0.0, 3.0 if constraint == "simplex" else 2.0, 13)
    points = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return points[np.isclose(points.sum(1), 3.0)] if constraint == "simplex" else points


@pytest.mark.parametrize("constraint", ["box", "simplex"])
@pytest.mark.parametrize("kind", list(TaskKind))
@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_no_point_of_a_grid_is_better_than_the_learned_weights(
    kind: TaskKind, fusion: str, constraint: str
) -> None:
    cached = random_logits(kind, fusion, seed=5)
    found = learned(cached, CONSTANTS, constraint=constraint)
    least = fitted_loss(cached, CONSTANTS, np.array(found.weights))
    assert least <= min(fitted_loss(cached, CONSTANTS, w) for w in grid(constraint)) + 1e-9
    assert found.constants == CONSTANTS


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(list(TaskKind)),
    fusion=st.sampled_from(list(FUSIONS)),
    seed=st.integers(0, 10**6),
    scale=st.floats(0.01, 100.0),
    constraint=st.sampled_from(["box", "simplex"]),
)
def test_the_learned_weights_keep_their_constraint_and_are_never_worse_than_the_papers(
    kind: TaskKind, fusion: str, seed: int, scale: float, constraint: str
) -> None:
    cached = random_logits(kind, fusion, samples=20, seed=seed, scale=scale)
    weights = np.array(learned(cached, CONSTANTS, constraint=constraint).weights)
    assert (weights >= 0).all()
    if constraint == "simplex":
        assert weights.sum() == pytest.approx(3.0)
    else:
        assert (weights <= 2.0).all()
    paper = fitted_loss(cached, CONSTANTS, np.ones(3))
    assert fitted_loss(cached, CONSTANTS, weights) <= paper * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("constraint", ["box", "simplex"])
def test_planted_weights_are_found_again(constraint: str) -> None:
    planted = (0.4, 1.9, 0.7)
    cached = random_logits(TaskKind.REGRESSION, "mask", samples=200, seed=1)
    scored = tie(cached, fixed(CONSTANTS, planted))[:, 0]
    truth = CachedLogits(
        cached.multimodal, cached.text, cached.audio, cached.vision, scored, cached.task, cached.fusion
    )
    found = learned(truth, CONSTANTS, constraint=constraint, ridge=1e-6)
    np.testing.assert_allclose(found.weights, planted, atol=0.02)


def test_a_shortcut_that_breaks_in_validation_is_turned_around() -> None:
    cached = broken_shortcut()
    found = learned(cached, (0.0, 0.0, 0.0))
    assert found.w_vision > 1.5
    paper, better = scores(cached, np.stack([fixed((0, 0, 0)).as_row(), found.as_row()]), "accuracy")
    assert better > paper + 0.1


def test_where_every_direct_effect_is_zero_the_weights_stay_the_papers() -> None:
    cached = random_logits(TaskKind.EMOTIONS, "mask")
    assert learned(cached, (0.0, 0.0, 0.0)) == fixed((0.0, 0.0, 0.0))


def test_the_fit_is_the_same_every_time() -> None:
    cached = random_logits(TaskKind.CLASSES, "hm")
    assert learned(cached, CONSTANTS) == learned(cached, CONSTANTS)


@pytest.mark.parametrize("wrong", [{"w_max": 0.9}, {"ridge": 0.0}])
def test_a_box_without_the_papers_weights_or_no_ridge_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="w_max is at least 1 and ridge above 0"):
        learned(random_logits(TaskKind.CLASSES, "sum"), CONSTANTS, **wrong)
