"""A weights file gives back the model that was trained, and says what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.identity import config_id
from causalmer_core.datasets.batches import Batches, chosen_statistics
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import WeightsOrigin, load_trained
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
    with pytest.raises(UserError, match=r"best\.safetensors is damaged: it is missing"):
        load_trained(path, data)
    Trainer(tiny_config(TaskKind.EMOTIONS), data, seed=0, device=torch.device("cpu")).save_weights(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"best\.safetensors is damaged: its bytes do not match its digest"):
        load_trained(path, data)


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        (
            {"config_id": "0" * 16},
            "its weights are of config_id '[0-9a-f]{16}', and those of '0{16}' are needed",
        ),
        ({"seed": 2}, "its weights are of seed 3, and those of 2 are needed"),
        ({"epoch": 2}, "its weights are of epoch 1, and those of 2 are needed"),
        (
            {"fingerprint": "e" * 64},
            "its weights are of fingerprint 'f{64}', and those of 'e{64}' are needed",
        ),
    ],
)
def test_weights_of_another_run_epoch_or_data_set_are_refused(
    tmp_path: Path, wanted: dict[str, Any], what: str
) -> None:
    config, data = tiny_config(TaskKind.EMOTIONS), tiny_data(TaskKind.EMOTIONS)
    trainer = Trainer(config, data, seed=3, device=torch.device("cpu"))
    next(trainer.epochs())
    trainer.save_weights(path := tmp_path / "best.safetensors")
    own = WeightsOrigin(config_id(config), 3, 1, data.fingerprint)
    assert load_trained(path, data, own).seed == 3
    with pytest.raises(DamagedFileError, match=f"{what}; train it"):
        load_trained(path, data, replace(own, **wanted), remedy="train it")


def test_flipped_exponent_bits_are_refused(tmp_path: Path) -> None:
    data = tiny_data(TaskKind.EMOTIONS)
    path = tmp_path / "best.safetensors"
    Trainer(tiny_config(TaskKind.EMOTIONS), data, seed=0, device=torch.device("cpu")).save_weights(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x40  # the highest bit of the last number's exponent
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match="its bytes do not match its digest"):
        load_trained(path, data)


def test_a_checkpoint_to_resume_from_is_no_weights_file(tmp_path: Path) -> None:
    data = tiny_data(TaskKind.EMOTIONS)
    path = tmp_path / "last.safetensors"
    Trainer(tiny_config(TaskKind.EMOTIONS), data, seed=0, device=torch.device("cpu")).save(path)
    with pytest.raises(UserError, match="its weights do not fit data set"):
        load_trained(path, data)
