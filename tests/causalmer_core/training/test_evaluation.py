"""Evaluation: means over samples, whatever the batches; removal of modalities; no trace in the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.modality import MODALITIES, Modality, subset_name, subsets
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.run_config import LossConfig
from causalmer_core.datasets.base import Split
from causalmer_core.datasets.batches import Batches
from causalmer_core.measures.ablation import Ablation
from causalmer_core.measures.metrics import compute_metrics, predicted_labels
from causalmer_core.models.build import AnyModel, build_model
from causalmer_core.training.evaluation import Evaluation, evaluate

EVERY_KIND = pytest.mark.parametrize("kind", list(TaskKind))
CPU = torch.device("cpu")
LOSS = LossConfig()
DATA = {kind: tiny_data(kind) for kind in TaskKind}


def model(kind: TaskKind) -> AnyModel:
    torch.manual_seed(0)
    config = tiny_config(kind, model__initial_constant=0.2, model__fusion="hm")
    return build_model(config.model, DATA[kind])


def evaluated(kind: TaskKind, *, size: int = 4, split: Split | None = None, **options: Any) -> Evaluation:
    batches = Batches(split or DATA[kind].valid, DATA[kind].statistics, size=size, device=CPU)
    return evaluate(model(kind), batches, LOSS, **options)


@EVERY_KIND
def test_losses_metrics_and_logits_do_not_depend_on_the_batch_size(kind: TaskKind) -> None:
    whole = evaluated(kind, size=50)
    for size in (2, 4, 5):
        found = evaluated(kind, size=size)
        for name in ("total", "task", "kl"):
            assert getattr(found.losses, name) == pytest.approx(getattr(whole.losses, name), rel=1e-5)
        assert found.metrics == pytest.approx(whole.metrics, rel=1e-5)
        np.testing.assert_allclose(found.logits, whole.logits, rtol=1e-4, atol=1e-6)


@EVERY_KIND
def test_the_losses_are_the_mean_of_the_samples_own(kind: TaskKind) -> None:
    split = DATA[kind].valid
    alone = [
        evaluated(
            kind,
            split=Split(
                features={m: x[i : i + 1] for m, x in split.features.items()},
                labels=split.labels[i : i + 1],
                ids=[split.ids[i]],
            ),
        ).losses
        for i in range(len(split))
    ]
    found = evaluated(kind).losses
    for name in ("total", "task", "kl"):
        mean = np.mean([getattr(losses, name) for losses in alone])
        assert getattr(found, name) == pytest.approx(mean, rel=1e-5)


@EVERY_KIND
def test_the_metrics_are_those_of_the_logits(kind: TaskKind) -> None:
    found = evaluated(kind)
    task = DATA[kind].task
    assert found.metrics == compute_metrics(
        task, predicted_labels(task, found.logits), DATA[kind].valid.labels
    )


@pytest.mark.parametrize("removed", list(subsets()), ids=subset_name)
def test_removal_sets_standardised_features_to_zero(removed: frozenset[Modality]) -> None:
    kind = TaskKind.EMOTIONS
    split = DATA[kind].valid
    zeroed = {m: np.zeros_like(x) if m in removed else x for m, x in split.features.items()}
    expected = evaluated(kind, split=replace(split, features=zeroed))
    found = evaluated(kind, ablation=Ablation(modalities=removed))
    assert np.array_equal(found.logits, expected.logits)
    assert found.losses == expected.losses


def test_every_subset_of_modalities_predicts_differently() -> None:
    outcomes = {
        evaluated(TaskKind.EMOTIONS, ablation=Ablation(modalities=r)).logits.tobytes() for r in subsets()
    }
    assert len(outcomes) == 2 ** len(MODALITIES)


@EVERY_KIND
def test_evaluation_changes_no_weight_and_leaves_the_model_in_evaluation_mode(kind: TaskKind) -> None:
    found = model(kind).train()
    before = {name: tensor.clone() for name, tensor in found.state_dict().items()}
    evaluate(found, Batches(DATA[kind].valid, None, size=4, device=CPU), LOSS)
    assert not found.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in found.state_dict().items())
    assert all(p.grad is None for p in found.parameters())
