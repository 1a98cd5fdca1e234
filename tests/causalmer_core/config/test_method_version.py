"""The published method and the corrected one differ by named options, each of which does something."""

from __future__ import annotations

import pytest
import torch
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.task import TaskKind
from causalmer_core.config.identity import config_id
from causalmer_core.config.method_version import PUBLISHED_OPTIONS, method_options
from causalmer_core.config.run_config import RunConfig
from causalmer_core.method.fusion import FUSIONS, PUBLISHED_FUSIONS, fusion
from causalmer_core.models.build import build_model
from causalmer_core.models.causalmer import CausalMER
from causalmer_core.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.mark.parametrize("path", PUBLISHED_OPTIONS)
def test_every_published_option_differs_from_the_default_and_is_part_of_the_identity(path: str) -> None:
    corrected = RunConfig()
    published = corrected.with_values({path: PUBLISHED_OPTIONS[path]})
    assert corrected.value(path) != published.value(path)
    assert config_id(corrected) != config_id(published)


def test_the_corrected_form_is_the_defaults() -> None:
    assert RunConfig().with_values(method_options("corrected")) == RunConfig()


@pytest.mark.parametrize("name", FUSIONS)
def test_both_forms_of_a_fusion_agree_where_no_logarithm_is_near_its_end(name: str) -> None:
    z = torch.randn(4, 50, 3, generator=torch.Generator().manual_seed(0)).unbind()
    torch.testing.assert_close(FUSIONS[name](*z), PUBLISHED_FUSIONS[name](*z), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["sum", "hm"])
def test_only_the_log_space_form_keeps_its_gradient_far_from_zero(name: str) -> None:
    gradients = {}
    for form in ("log_space", "published"):
        z = torch.full((4, 1), -25.0, requires_grad=True)
        fusion(name, "log_space" if form == "log_space" else "published")(*z.unbind()).sum().backward()
        assert z.grad is not None
        gradients[form] = z.grad.abs().max().item()
    assert gradients["log_space"] == pytest.approx(1.0, rel=1e-3)
    assert gradients["published"] < 1e-6


@pytest.mark.parametrize(
    ("kind", "mode"), [(TaskKind.REGRESSION, "mask"), (TaskKind.EMOTIONS, "tanh"), (TaskKind.CLASSES, "tanh")]
)
def test_constants_that_cannot_learn_are_held_unless_the_published_form_is_asked_for(
    kind: TaskKind, mode: str
) -> None:
    data = tiny_data(kind)
    held = build_model(tiny_config(kind, model__fusion=mode).model, data)
    learned = build_model(tiny_config(kind, model__fusion=mode, model__constants="learned").model, data)
    assert isinstance(held, CausalMER)
    assert isinstance(learned, CausalMER)
    assert "constants" not in held.parameter_groups()
    assert "constants" in learned.parameter_groups()


def test_held_constants_keep_their_start_exactly() -> None:
    config = tiny_config(TaskKind.EMOTIONS, model__fusion="tanh", model__initial_constant=0.25)
    results = list(Trainer(config, tiny_data(TaskKind.EMOTIONS), seed=0, device=CPU).epochs())
    assert {result.constants for result in results} == {(0.25, 0.25, 0.25)}


@pytest.mark.parametrize("by", ["loss", "task_loss", "monitor"])
def test_the_plateau_schedule_goes_by_what_the_option_names(by: str) -> None:
    """With no patience the rate falls after every epoch whose value is no new best."""
    config = tiny_config(
        TaskKind.CLASSES,
        trainer__plateau_by=by,
        trainer__plateau_patience=0,
        trainer__plateau_factor=0.5,
        trainer__max_epochs=8,
        loss__beta=20.0,
        optimiser__learning_rates__constants=0.5,
    )
    trainer = Trainer(config, tiny_data(TaskKind.CLASSES), seed=0, device=CPU)
    results = list(trainer.epochs())
    series = {
        "loss": [-r.valid.total for r in results],
        "task_loss": [-r.valid.task for r in results],
        "monitor": [r.metrics["weighted_f1"] for r in results],
    }
    expected = {name: rates_by(values, results[0].learning_rate) for name, values in series.items()}
    assert [r.learning_rate for r in results] == pytest.approx(expected[by])
    assert all(expected[by] != rates for name, rates in expected.items() if name != by)


def rates_by(values: list[float], rate: float) -> list[float]:
    """The learning rate of each epoch when it halves after every value that is no new best."""
    rates, best = [], float("-inf")
    for value in values:
        rates.append(rate)
        rate, best = (rate, value) if value > best else (rate / 2, best)
    return rates
