"""What a run costs, from a few measured steps: the arithmetic, not the clock."""

from __future__ import annotations

import pytest
import torch
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.task import TaskKind
from causalmer_core.training.cost import measure_cost
from causalmer_core.training.trainer import Trainer

KIND = TaskKind.EMOTIONS


def test_an_epoch_costs_its_steps_and_a_third_of_a_step_for_each_validation_batch() -> None:
    """21 samples in batches of 4 are 6 steps, 9 are 3 batches."""
    cost = measure_cost(tiny_config(KIND), tiny_data(KIND, train=21, valid=9), threads=1)
    assert cost.epoch_seconds == pytest.approx(7 * cost.step_seconds)
    assert cost.step_seconds > 0


def test_parameters_are_those_that_are_trained() -> None:
    data = tiny_data(KIND)
    for values in ({}, {"model__debiasing": "none"}):
        config = tiny_config(KIND, **values)
        trainer = Trainer(config, data, seed=0, device=torch.device("cpu"))
        trained = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
        assert measure_cost(config, data, threads=1).parameters == trained


def test_data_of_a_single_batch_can_be_measured() -> None:
    cost = measure_cost(tiny_config(KIND), tiny_data(KIND, train=3, valid=2), threads=1)
    assert cost.epoch_seconds == pytest.approx(4 / 3 * cost.step_seconds)


def test_measuring_leaves_the_global_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    measure_cost(tiny_config(KIND), tiny_data(KIND), threads=1)
    assert torch.equal(torch.get_rng_state(), before)
