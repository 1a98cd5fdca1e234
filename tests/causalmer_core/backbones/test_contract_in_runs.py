"""What every backbone promises in a run: inside CausalMER, saved and loaded, and configured; see `test_contract`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_backbones import EVERY_BACKBONE, EVERY_KIND, NAMES, copied, small_config, small_options
from tiny_data import LENGTHS, tiny_config, tiny_data

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import LossConfig, RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import Batches
from causalmer_core.method.fusion import FUSIONS
from causalmer_core.models.build import build_model
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import load_trained
from causalmer_core.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("installed_backbone")
CPU = torch.device("cpu")


def with_lengths(data: TrainingData) -> TrainingData:
    rng = np.random.default_rng(5)

    def masked(samples: int) -> dict[Modality, Any]:
        return {m: rng.integers(3, LENGTHS[m] + 1, samples) for m in MODALITIES}

    train, valid = (replace(s, lengths=masked(len(s))) for s in (data.train, data.valid))
    return replace(data, train=train, valid=valid)


@EVERY_BACKBONE
@pytest.mark.parametrize("debiasing", ["counterfactual", "none"])
def test_saved_weights_and_their_configuration_give_the_same_model_again(
    name: str, debiasing: str, tmp_path: Path
) -> None:
    data = with_lengths(tiny_data(TaskKind.CLASSES))
    config = tiny_config(
        TaskKind.CLASSES,
        model__backbone=small_options(name),
        model__debiasing=debiasing,
        trainer__max_epochs=1,
    )
    trainer = Trainer(config, data, seed=3, device=CPU)
    (result,) = trainer.epochs()
    trainer.save_weights(tmp_path / "best.safetensors")
    loaded = load_trained(tmp_path / "best.safetensors", data)
    assert loaded.config == config
    assert type(loaded.config.model.backbone) is type(config.model.backbone)
    assert loaded.model.backbone.state_dict().keys() == trainer.model.backbone.state_dict().keys()
    again = evaluate(loaded.model, loaded.batches(data.valid, size=4), config.loss)
    assert again.metrics == result.metrics
    assert again.losses == result.valid


@EVERY_BACKBONE
@EVERY_KIND
@pytest.mark.parametrize("fusion", FUSIONS)
def test_causalmer_around_it_has_a_finite_loss_and_one_step_changes_every_parameter(
    name: str, kind: TaskKind, fusion: str
) -> None:
    config = tiny_config(
        kind,
        model__backbone=small_options(name, dropout=False),
        model__fusion=fusion,
        model__initial_constant=0.3,
    )
    data = with_lengths(tiny_data(kind))
    with drawing_from(0, "init"):
        model = build_model(config.model, data)
    (batch,) = Batches(data.train, None, size=50, device=CPU)()
    assert batch.masks
    before = copied(model)
    optimiser = torch.optim.Adam([p for group in model.parameter_groups().values() for p in group], lr=0.01)
    output = model(batch)
    loss = model.loss(output, batch.labels, LossConfig()).total
    assert loss.isfinite()
    loss.backward()
    optimiser.step()
    unchanged = [n for n, p in model.named_parameters() if p.requires_grad and torch.equal(before[n], p)]
    assert unchanged == []
    assert model(batch).logits.multimodal.isfinite().all()


@EVERY_BACKBONE
def test_its_options_go_through_json_into_the_same_configuration_and_identity(name: str) -> None:
    config = RunConfig().with_values({"model.backbone": small_options(name)})
    again = RunConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert again.model.backbone == small_config(name)
    assert config_id(again) == config_id(config)
    assert again.value("model.backbone.hidden_dim") == 8
    assert again.with_values({"trainer.max_epochs": 7}).model.backbone == small_config(name)


@EVERY_BACKBONE
def test_its_identity_follows_its_name_and_options_and_not_how_defaults_are_written(name: str) -> None:
    short = RunConfig().with_values({"model.backbone": {"name": name}})
    written = RunConfig().with_values({"model.backbone": short.value("model.backbone")})
    wider = RunConfig().with_values({"model.backbone": {"name": name, "hidden_dim": 240}})
    assert config_id(written) == config_id(short) != config_id(wider)
    others = {config_id(RunConfig().with_values({"model.backbone": {"name": other}})) for other in NAMES}
    assert len(others) == len(NAMES)


@EVERY_BACKBONE
@pytest.mark.parametrize("wrong", [{"hidden_dims": 8}, {"hidden_dim": "8"}, {"hidden_dim": 8.5}])
def test_a_wrong_option_is_refused(name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RunConfig().with_values({"model.backbone": {"name": name, **wrong}})
