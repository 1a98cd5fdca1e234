"""A weights file gives back the model that was trained, and says what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.batches import Batches, chosen_statistics
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import load_trained
from causalmer_core.training.trainer import Trainer


@pytest.mark.parametrize("kind", list(TaskKind))
@pytest.mark.parametrize("debiasing", ["counterfactual", "none"])
def test_a_loaded_model_predicts_as_the_trained_one(tmp_path: Path, kind: TaskKind, debiasing: str) -> None:
    config, data = tiny_config(kind, model__debiasing=debiasing), tiny_data(kind)
    trainer = Trainer(config, data, seed=3, device=torch.device("cpu"))
    results = trainer.epochs()
    next(results)
    next(results)
    trainer.save_weights(tmp_path / "best.safetensors")
    loaded = load_trained(tmp_path / "best.safetensors", data)
    assert (loaded.config, loaded.seed, loaded.epoch) == (config, 3, 2)
    statistics = chosen_statistics(data, config.data.standardise)
    batches = Batches(data.valid, statistics, size=4, device=torch.device("cpu"))
    expected = evaluate(trainer.model, batches, config.loss)
    found = evaluate(loaded.model, batches, config.loss)
    assert np.array_equal(found.logits, expected.logits)
    assert found.metrics == expected.metrics


def test_a_file_that_is_missing_or_damaged_is_a_users_error(tmp_path: Path) -> None:
    data = tiny_data(TaskKind.EMOTIONS)
    path = tmp_path / "best.safetensors"
    with pytest.raises(UserError, match=r"best\.safetensors: not a readable checkpoint"):
        load_trained(path, data)
    Trainer(tiny_config(TaskKind.EMOTIONS), data, seed=0, device=torch.device("cpu")).save_weights(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"best\.safetensors: not a readable checkpoint"):
        load_trained(path, data)
