"""The trainer: determinism, resume, the course of training, and what it must not reach."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny_data import MONITORS, NO_DROPOUT, tiny_config, tiny_data

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.identity import WITHOUT_EFFECT
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import Batches
from causalmer_core.measures.metrics import checked_metric
from causalmer_core.models.build import CausalMER
from causalmer_core.training.checkpoint import load_tensors, save_tensors
from causalmer_core.training.trainer import EpochResult, NonFiniteLossError, StopReason, Trainer

CPU = torch.device("cpu")
EVERY_KIND = pytest.mark.parametrize("kind", list(TaskKind))
GROUPS = ("backbone", "text", "audio", "vision", "constants")
DATA = {kind: tiny_data(kind) for kind in TaskKind}


def trainer(kind: TaskKind = TaskKind.EMOTIONS, *, seed: int = 0, **values: Any) -> Trainer:
    return Trainer(tiny_config(kind, **values), DATA[kind], seed=seed, device=CPU)


def untimed(results: list[EpochResult]) -> list[EpochResult]:
    return [replace(result, seconds=0.0) for result in results]


def weights(of: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in of.model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@EVERY_KIND
def test_it_yields_one_result_an_epoch(kind: TaskKind) -> None:
    results = list(trainer(kind).epochs())
    assert [r.epoch for r in results] == [1, 2, 3]
    assert [r.stop for r in results] == [None, None, StopReason.MAX_EPOCHS]
    for result in results:
        assert all(map(math.isfinite, (result.train.total, result.valid.total, result.seconds)))
        assert result.constants is not None
        assert MONITORS[kind] in result.metrics
        assert all(map(math.isfinite, result.metrics.values()))


def test_it_trains_one_epoch_when_asked_for_one() -> None:
    lazy = trainer()
    start = weights(lazy)
    epochs = lazy.epochs()
    assert same(weights(lazy), start)
    next(epochs)
    assert lazy.epoch == 1
    assert not same(weights(lazy), start)


@EVERY_KIND
@pytest.mark.parametrize("boundary", [0, 1, 2, 3])
def test_resumed_equals_uninterrupted_bit_for_bit(kind: TaskKind, boundary: int, tmp_path: Path) -> None:
    values = {"trainer__plateau_patience": 0, "trainer__plateau_factor": 0.5}
    whole = trainer(kind, seed=3, **values)
    expected = untimed(list(whole.epochs()))

    first = trainer(kind, seed=3, **values)
    before = untimed(list(islice(first.epochs(), boundary)))
    first.save(tmp_path / "last.safetensors")
    torch.manual_seed(99)  # what another user of the process may do
    second = trainer(kind, seed=3, **values)
    second.restore(tmp_path / "last.safetensors")
    assert before + untimed(list(second.epochs())) == expected
    assert same(weights(second), weights(whole))


@pytest.mark.slow
def test_resumed_equals_uninterrupted_with_the_published_branches(tmp_path: Path) -> None:
    values: dict[str, Any] = {
        "model__text_branch": {
            "name": "albert",
            "embedding_size": 8,
            "hidden_size": 8,
            "num_layers": 2,
            "num_heads": 2,
            "intermediate_size": 16,
            "vocab_size": 4,
            "max_positions": 8,
            "dropout": 0.2,
        },
        "model__audio_branch": {"name": "resnet18"},
        "trainer__max_epochs": 2,
    }
    whole = trainer(**values)
    expected = untimed(list(whole.epochs()))
    first = trainer(**values)
    next(first.epochs())
    first.save(tmp_path / "last.safetensors")
    second = trainer(**values)
    second.restore(tmp_path / "last.safetensors")
    assert untimed(list(second.epochs())) == expected[1:]
    assert same(weights(second), weights(whole))


@EVERY_KIND
@pytest.mark.parametrize("debiasing", ["counterfactual", "none"])
def test_two_trainers_of_one_seed_are_equal(kind: TaskKind, debiasing: str) -> None:
    first, second = (trainer(kind, seed=7, model__debiasing=debiasing) for _ in range(2))
    assert same(weights(first), weights(second))
    assert untimed(list(first.epochs())) == untimed(list(second.epochs()))
    assert same(weights(first), weights(second))


def test_seeds_differ_in_their_initial_weights() -> None:
    starts = [weights(trainer(seed=seed)) for seed in (0, 1, 2)]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert not torch.equal(starts[one]["backbone.proj1.weight"], starts[other]["backbone.proj1.weight"])


def first_epoch_losses(*, seed: int, start: Trainer, **values: Any) -> float:
    of = trainer(seed=seed, **values)
    of.model.load_state_dict(start.model.state_dict())
    return next(of.epochs()).train.total


def test_seeds_differ_in_the_order_of_the_samples() -> None:
    start = trainer()
    losses = {first_epoch_losses(seed=seed, start=start, **NO_DROPOUT) for seed in (0, 1, 2)}
    assert len(losses) == 3


def test_seeds_differ_in_their_dropout() -> None:
    start = trainer()
    one_batch = {"trainer__batch_size": 21, "optimiser__clip_norm": 1e-9}  # then the order does not matter
    quiet = [first_epoch_losses(seed=seed, start=start, **one_batch, **NO_DROPOUT) for seed in (0, 1, 2)]
    assert quiet == pytest.approx([quiet[0]] * 3, rel=1e-5)
    loud = [first_epoch_losses(seed=seed, start=start, **one_batch) for seed in (0, 1, 2)]
    assert max(abs(a - b) for a in loud for b in loud) > 1e-3 * abs(loud[0])
    assert len(set(loud)) == 3


def test_training_leaves_the_global_generator_untouched() -> None:
    before = torch.get_rng_state()
    of = trainer()
    assert torch.equal(torch.get_rng_state(), before)
    for _ in of.epochs():
        assert torch.equal(torch.get_rng_state(), before)


def monitored(results: list[EpochResult], name: str) -> list[float]:
    return [result.metrics[name] for result in results]


@EVERY_KIND
def test_the_best_epoch_goes_by_the_monitored_metric_and_its_direction(kind: TaskKind) -> None:
    results = list(trainer(kind, trainer__max_epochs=6, optimiser__learning_rates__backbone=0.05).epochs())
    values = monitored(results, MONITORS[kind])
    assert len(set(values)) > 1
    better = max if checked_metric(DATA[kind].task, MONITORS[kind]) == "max" else min
    for count, result in enumerate(results, start=1):
        best = better(values[:count])
        assert result.best_value == best
        assert result.best_epoch == values.index(best) + 1
        assert result.is_best == (result.best_epoch == result.epoch)


def test_early_stopping_ends_training_after_epochs_without_a_new_best() -> None:
    still = dict.fromkeys(GROUPS, 1e-12)
    results = list(
        trainer(optimiser__learning_rates=still, trainer__max_epochs=9, trainer__early_stopping=2).epochs()
    )
    assert [r.epoch for r in results] == [1, 2, 3]
    assert [r.is_best for r in results] == [True, False, False]
    assert [r.stop for r in results] == [None, None, StopReason.EARLY_STOPPING]


def test_the_plateau_schedule_cuts_every_learning_rate_after_epochs_without_a_new_best() -> None:
    moving = dict.fromkeys(GROUPS, 1e-7)
    results = list(
        trainer(
            optimiser__learning_rates=moving,
            trainer__max_epochs=5,
            trainer__plateau_patience=1,
            trainer__plateau_factor=0.5,
        ).epochs()
    )
    assert len(set(monitored(results, "accuracy"))) == 1
    assert [r.learning_rate for r in results] == pytest.approx([1e-7, 1e-7, 1e-7, 5e-8, 5e-8])


@pytest.mark.parametrize("rate", [2e-3, 1e-6])
def test_the_plateau_schedule_counts_every_new_best_however_small_and_nothing_else(rate: float) -> None:
    results = list(
        trainer(
            TaskKind.REGRESSION,
            optimiser__learning_rates=dict.fromkeys(GROUPS, rate),
            trainer__max_epochs=6,
            trainer__plateau_patience=0,
            trainer__plateau_factor=0.5,
            **NO_DROPOUT,
        ).epochs()
    )
    expected = [rate]
    for result in results[:-1]:
        expected.append(expected[-1] * (1 if result.is_best else 0.5))
    assert len(set(monitored(results, "mae"))) == 6
    assert [r.learning_rate for r in results] == pytest.approx(expected)


def spoilt(data: TrainingData, split: str) -> TrainingData:
    part = getattr(data, split)
    audio = part.features[Modality.AUDIO].copy()
    audio[0, 0, 0] = np.inf
    return replace(data, **{split: replace(part, features=part.features | {Modality.AUDIO: audio})})


@EVERY_KIND
@pytest.mark.parametrize(("split", "named"), [("train", "training"), ("valid", "validation")])
def test_a_loss_that_is_no_number_ends_training_with_an_error(kind: TaskKind, split: str, named: str) -> None:
    of = Trainer(tiny_config(kind), spoilt(DATA[kind], split), seed=0, device=CPU)
    with pytest.raises(NonFiniteLossError, match=f"the {named} loss of epoch 1 is"):
        next(of.epochs())
    assert of.epoch == 0


def test_a_configuration_that_diverges_ends_with_an_error() -> None:
    explosive = dict.fromkeys(GROUPS, 1.0)
    of = trainer(optimiser__learning_rates=explosive, loss__alpha=1e38, optimiser__clip_norm=1e38)
    with pytest.raises(NonFiniteLossError):
        list(of.epochs())


@EVERY_KIND
def test_without_debiasing_only_the_backbone_is_trained_and_reported(kind: TaskKind) -> None:
    of = trainer(kind, model__debiasing="none")
    assert {name.split(".")[0] for name, _ in of.model.named_parameters()} == {"backbone"}
    results = list(of.epochs())
    assert all(r.constants is None and r.train.kl == r.valid.kl == 0 for r in results)
    assert all(r.train.total == r.train.task for r in results)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "debiasing"), [*((kind, "counterfactual") for kind in TaskKind), (TaskKind.EMOTIONS, "none")]
)
def test_the_task_loss_of_thirty_two_samples_falls_by_a_third_in_fifteen_epochs(
    kind: TaskKind, debiasing: str
) -> None:
    data = tiny_data(kind, train=32)
    fast = dict.fromkeys(GROUPS, 1e-2)
    config = tiny_config(
        kind,
        model__debiasing=debiasing,
        optimiser__learning_rates=fast,
        trainer__max_epochs=15,
        trainer__batch_size=8,
        loss__beta=0.0,
        **NO_DROPOUT,
    )
    results = list(Trainer(config, data, seed=0, device=CPU).epochs())
    assert results[-1].train.task < 0.66 * results[0].train.task


def test_the_total_is_alpha_times_the_task_loss_and_beta_times_the_kl_term() -> None:
    result = next(trainer(loss__alpha=0.3, loss__beta=0.7).epochs())
    for losses in (result.train, result.valid):
        assert losses.total == pytest.approx(0.3 * losses.task + 0.7 * losses.kl)


@pytest.mark.parametrize("debiasing", [name for name, paths in WITHOUT_EFFECT.items() if paths])
def test_what_is_left_out_of_the_identity_has_no_effect_on_the_outcome(debiasing: str) -> None:
    others: dict[str, Any] = {
        "model.fusion": "hm",
        "model.fusion_form": "published",
        "model.text_branch": {"name": "transformer", "hidden_dim": 12},
        "model.audio_branch": {"name": "small_conv", "hidden_dim": 7},
        "model.vision_branch": {"name": "small_conv", "dropout": 0.4},
        "model.initial_constant": 0.7,
        "model.constants": "learned",
        "model.debiasing_weights": {"text": 0.1, "audio": 0.2, "vision": 0.3},
        "loss.alpha": 0.4,
        "loss.beta": 0.4,
        "loss.kl_axis": "flat",
        "optimiser.learning_rates.text": 0.01,
        "optimiser.learning_rates.audio": 0.01,
        "optimiser.learning_rates.vision": 0.01,
        "optimiser.learning_rates.constants": 0.01,
    }
    plain = tiny_config(TaskKind.EMOTIONS, model__debiasing=debiasing, trainer__max_epochs=2)
    changed = plain.with_values({path: others[path] for path in WITHOUT_EFFECT[plain.model.debiasing]})
    assert changed != plain
    outcomes = [
        untimed(list(Trainer(config, DATA[TaskKind.EMOTIONS], seed=0, device=CPU).epochs()))
        for config in (plain, changed)
    ]
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("by", ["loss", "task_loss"])
def test_the_plateau_schedule_may_go_by_a_validation_loss(by: str) -> None:
    results = list(
        trainer(
            optimiser__learning_rates=dict.fromkeys(GROUPS, 0.02),
            trainer__max_epochs=8,
            trainer__plateau_by=by,
            trainer__plateau_patience=0,
            trainer__plateau_factor=0.5,
        ).epochs()
    )
    losses = [r.valid.total if by == "loss" else r.valid.task for r in results]
    expected = [0.02]
    for count in range(1, len(losses)):
        fell = losses[count - 1] < min(losses[: count - 1], default=math.inf)
        expected.append(expected[-1] * (1 if fell else 0.5))
    assert len(set(expected)) > 1
    assert [r.learning_rate for r in results] == pytest.approx(expected)


@EVERY_KIND
def test_bf16_trains_to_nearly_the_losses_of_float32_with_weights_in_float32(kind: TaskKind) -> None:
    exact, rough = (trainer(kind, trainer__precision=name, **NO_DROPOUT) for name in ("float32", "bf16"))
    for one, other in zip(exact.epochs(), rough.epochs(), strict=True):
        assert other.train.total == pytest.approx(one.train.total, rel=0.05)
        assert other.train.total != one.train.total
    assert {p.dtype for p in rough.model.parameters()} == {torch.float32}


def one_batch(of: Trainer) -> Any:
    (batch,) = Batches(DATA[of.model.task.kind].valid, None, size=50, device=CPU)()
    return batch


@pytest.mark.parametrize("kind", [TaskKind.EMOTIONS, TaskKind.CLASSES])
def test_a_step_moves_every_trainable_parameter(kind: TaskKind) -> None:
    of = trainer(kind, model__initial_constant=0.2)
    before = {name: p.detach().clone() for name, p in of.model.named_parameters()}
    result = of.step(one_batch(of))
    assert result.grad_norm > 0
    unmoved = [n for n, p in of.model.named_parameters() if torch.equal(p, before[n])]
    assert unmoved == []


def test_the_constants_move_by_the_kl_term_alone() -> None:
    still = trainer(loss__beta=0.0, model__initial_constant=0.2)
    still.step(one_batch(still))
    assert still.model.constants is not None
    assert still.model.constants.tolist() == pytest.approx([0.2] * 3, abs=1e-7)

    alone = trainer(loss__alpha=0.0, model__initial_constant=0.2)
    before = weights(alone)
    alone.step(one_batch(alone))
    after = weights(alone)
    assert [name for name in before if not torch.equal(before[name], after[name])] == ["no_treatment"]


def test_with_one_output_the_constants_keep_their_start() -> None:
    of = trainer(TaskKind.REGRESSION, model__initial_constant=0.25)
    assert [r.constants for r in of.epochs()] == [(0.25, 0.25, 0.25)] * 3


def test_the_gradient_norm_is_taken_before_clipping() -> None:
    free, clipped = (trainer(optimiser__clip_norm=norm, **NO_DROPOUT) for norm in (1e9, 1e-3))
    assert free.step(one_batch(free)).grad_norm == clipped.step(one_batch(clipped)).grad_norm > 1e-3
    norm = math.sqrt(sum(p.grad.square().sum().item() for p in clipped.model.parameters()))
    assert norm == pytest.approx(1e-3, rel=1e-3)


def test_each_learning_rate_drives_its_own_group() -> None:
    for name in GROUPS:
        rates = dict.fromkeys(GROUPS, 1e-30) | {name: 0.5}
        of = trainer(optimiser__learning_rates=rates, model__initial_constant=0.2)
        assert isinstance(of.model, CausalMER)
        before = {n: p.detach().clone() for n, p in of.model.named_parameters()}
        of.step(one_batch(of))
        moved = {
            n.split(".")[0] for n, p in of.model.named_parameters() if (p - before[n]).abs().max() > 1e-3
        }
        expected = {"backbone": "backbone", "constants": "no_treatment"}.get(name, f"{name}_branch")
        assert moved == {expected}


def test_a_checkpoint_of_another_seed_or_configuration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    trainer(seed=1).save(path)
    with pytest.raises(UserError, match="checkpoint of seed 1, needed 2"):
        trainer(seed=2).restore(path)
    with pytest.raises(UserError, match="checkpoint of config_id"):
        trainer(seed=1, loss__alpha=0.2).restore(path)
    with pytest.raises(UserError, match="missing"):
        trainer().restore(tmp_path / "missing.safetensors")


def test_a_checkpoint_of_other_data_or_without_an_optimiser_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    trainer(seed=1).save(path)
    tensors, state = load_tensors(path)
    save_tensors(path, tensors, {**state, "fingerprint": "e" * 64})
    with pytest.raises(DamagedFileError, match=r"it is the checkpoint of fingerprint 'e{64}', needed"):
        trainer(seed=1).restore(path)
    save_tensors(path, tensors, {key: value for key, value in state.items() if key != "optimiser"})
    with pytest.raises(DamagedFileError, match="its state of the optimiser does not fit"):
        trainer(seed=1).restore(path)
    save_tensors(path, {}, state)
    with pytest.raises(DamagedFileError, match="its weights are of another model"):
        trainer(seed=1).restore(path)


def test_a_checkpoint_of_an_older_version_is_resumed_from(tmp_path: Path) -> None:
    """It has neither a digest nor the fingerprint of its data."""
    path = tmp_path / "last.safetensors"
    of = trainer(seed=1)
    next(of.epochs())
    of.save(path)
    tensors, state = load_tensors(path)
    del state["fingerprint"]
    save_file(tensors, path, {"causalmer": json.dumps({**state, "format": 1})})
    resumed = trainer(seed=1)
    resumed.restore(path)
    assert (resumed.epoch, resumed.best_value) == (1, of.best_value)
    assert same(weights(resumed), weights(of))


def test_a_torn_checkpoint_is_refused_wherever_it_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    of = trainer()
    of.save(path)
    content = path.read_bytes()
    before = weights(of)
    for kept in (0, 1, 7, 8, 9, 500, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:kept])
        with pytest.raises(UserError, match=r"last\.safetensors"):
            of.restore(path)
        assert same(weights(of), before)


def test_unknown_metrics_are_refused_before_anything_is_built() -> None:
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        Trainer(
            RunConfig().with_values({"trainer.monitor": "acuracy"}),
            DATA[TaskKind.CLASSES],
            seed=0,
            device=CPU,
        )


def test_no_test_split_ray_or_result_file_can_be_reached_from_the_trainer() -> None:
    code = (
        "import sys, causalmer_core.training.trainer\n"
        "ours = [n for n in sys.modules if n.startswith(('causalmer_core', 'cluster', 'results', 'sweeps'))]\n"
        "print(*(n for n in ours if hasattr(sys.modules[n], 'open_test_split')))\n"
        "print(*(n for n in ('causalmer_core.datasets.store', 'ray', 'optuna', 'results', 'sweeps')"
        " if n in sys.modules))\n"
        "print(len(ours))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    openers, forbidden, count = output.split("\n")[:3]
    assert openers == forbidden == ""
    assert int(count) > 10


def steps_of(batches: int, *, size: int, drop: bool) -> int:
    """How many steps an epoch of so many batches of four makes."""
    config = tiny_config(
        TaskKind.EMOTIONS,
        optimiser__accumulate_batches=size,
        optimiser__drop_last_batches=drop,
        trainer__max_epochs=1,
    )
    of = Trainer(config, tiny_data(TaskKind.EMOTIONS, train=4 * batches), seed=0, device=CPU)
    list(of.epochs())
    (state, *_) = of._optimiser.state.values()
    return int(state["step"])


@pytest.mark.parametrize(
    ("batches", "size", "kept", "dropped"), [(6, 1, 6, 6), (6, 3, 2, 2), (7, 3, 3, 2), (2, 10, 1, 1)]
)
def test_what_is_left_of_an_epoch_makes_a_step_unless_it_is_dropped_as_published(
    batches: int, size: int, kept: int, dropped: int
) -> None:
    assert steps_of(batches, size=size, drop=False) == kept
    assert steps_of(batches, size=size, drop=True) == dropped


def test_accumulated_gradients_are_the_sum_over_the_batches() -> None:
    config = tiny_config(TaskKind.CLASSES, **NO_DROPOUT)
    of = Trainer(config, DATA[TaskKind.CLASSES], seed=0, device=CPU)
    batches = list(Batches(DATA[TaskKind.CLASSES].train, None, size=10, device=CPU)())
    expected = sum(
        torch.autograd.grad(
            of.model.loss(of.model(batch), batch.labels, config.loss).total,
            of._parameters,
            materialize_grads=True,
        )[0]
        for batch in batches
    )
    found = of._step(batches)
    total = torch.nn.utils.get_total_norm([p.grad for p in of._parameters if p.grad is not None])
    clipped = expected * min(1.0, config.optimiser.clip_norm / found.grad_norm)
    assert total <= config.optimiser.clip_norm * 1.001
    torch.testing.assert_close(of._parameters[0].grad, clipped, rtol=1e-4, atol=1e-6)
