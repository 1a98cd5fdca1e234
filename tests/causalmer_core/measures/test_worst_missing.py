"""The worst of a metric without one modality: by its direction, and without a trace in the training."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.modality import Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.measures.ablation import Ablation, worst_missing
from causalmer_core.measures.metrics import metric_directions
from causalmer_core.training.trainer import Trainer

TRUTH = {
    Modality.TEXT: {"accuracy": 0.5, "mae": 1.5},
    Modality.AUDIO: {"accuracy": 0.7, "mae": 0.9},
    Modality.VISION: {"accuracy": 0.6, "mae": 1.9},
}


def truth(ablation: Ablation) -> Mapping[str, float]:
    (missing,) = ablation.modalities
    assert ablation.kind == "zero"
    return TRUTH[missing]


def test_the_worst_is_the_least_or_the_greatest_as_the_metric_declares() -> None:
    assert worst_missing(truth, {"accuracy": "max", "mae": "min"}) == {"accuracy": 0.5, "mae": 1.9}


def test_nothing_is_evaluated_for_nothing() -> None:
    def never(_: Ablation) -> Mapping[str, float]:
        pytest.fail("was evaluated")

    assert worst_missing(never, {}) == {}


@pytest.mark.parametrize("kind", list(TaskKind))
def test_a_training_that_is_looked_at_is_the_training_that_is_not(kind: TaskKind) -> None:
    """Equal epochs and weights; and what is measured are the trainer's own evaluations without one modality."""
    data, config = tiny_data(kind), tiny_config(kind)
    plain, watched = (Trainer(config, data, seed=3, device=torch.device("cpu")) for _ in range(2))
    directions = metric_directions(data.task)
    for undisturbed, result in zip(plain.epochs(), watched.epochs(), strict=True):
        assert (result.metrics, result.valid, result.train) == (
            undisturbed.metrics,
            undisturbed.valid,
            undisturbed.train,
        )
        found = worst_missing(lambda ablation: watched.validate(ablation).metrics, directions)
        lacking = [watched.validate(Ablation(modalities=frozenset({m}))).metrics for m in Modality]
        for metric, direction in directions.items():
            values = [metrics[metric] for metrics in lacking]
            assert found[metric] == (min(values) if direction == "max" else max(values))
    assert all(
        torch.equal(a, b) for a, b in zip(plain.model.parameters(), watched.model.parameters(), strict=True)
    )
