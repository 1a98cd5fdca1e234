"""bfloat16 layers: they train as float32 ones do, and what must be float32 stays so."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_data import NO_DROPOUT, tiny_config, tiny_data

from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.batches import Batches
from causalmer_core.models.build import build_model
from causalmer_core.models.emotion_model import BranchedModel
from causalmer_core.training.compute import layers_in
from causalmer_core.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", TaskKind)
def test_bf16_layers_give_float32_logits_near_those_of_float32(kind: TaskKind) -> None:
    data = tiny_data(kind)
    torch.manual_seed(0)
    model = build_model(tiny_config(kind).model, data).eval()
    assert isinstance(model, BranchedModel)
    batch = next(Batches(data.train, data.statistics, size=16, device=CPU)())
    with torch.no_grad():
        exact = model(batch).logits.multimodal
        with layers_in("bf16", CPU):
            rough = model(batch).logits.multimodal
    assert rough.dtype == torch.float32
    assert not torch.equal(rough, exact)
    torch.testing.assert_close(rough, exact, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("kind", TaskKind)
def test_bf16_and_float32_give_loss_curves_within_noise(kind: TaskKind) -> None:
    """The noise is what another order of the samples makes of the same training."""
    data = tiny_data(kind, train=32)
    values = {
        "trainer.max_epochs": 8,
        "trainer.batch_size": 16,
        "optimiser.learning_rates": dict.fromkeys(("backbone", "text", "audio", "vision"), 1e-2),
        **NO_DROPOUT,
    }

    def curve(seed: int, precision: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        config = tiny_config(kind).with_values({**values, "trainer.precision": precision})
        return np.array([r.train.task for r in Trainer(config, data, seed=seed, device=CPU).epochs()])

    exact = np.stack([curve(seed, "float32") for seed in range(3)])
    rough = np.stack([curve(seed, "bf16") for seed in range(3)])
    assert rough[:, -1].mean() < 0.9 * rough[:, 0].mean()
    noise = exact.std(axis=0, ddof=1)
    assert (np.abs(rough.mean(axis=0) - exact.mean(axis=0)) <= 2 * noise + 0.02).all()


def test_weights_stay_in_float32() -> None:
    config = tiny_config(TaskKind.EMOTIONS, trainer__precision="bf16", trainer__max_epochs=1)
    trainer = Trainer(config, tiny_data(TaskKind.EMOTIONS), seed=0, device=CPU)
    list(trainer.epochs())
    assert {p.dtype for p in trainer.model.parameters()} == {torch.float32}
