"""What every model promises, and what each rival of CausalMER is."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_data import tiny_config, tiny_data
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Batch
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.run_config import LossConfig
from causalmer_core.datasets.batches import Batches
from causalmer_core.method.fusion import FUSIONS
from causalmer_core.method.losses import task_loss
from causalmer_core.models.build import MODELS, AnyModel, build_model
from causalmer_core.models.debiasing_baselines import LateFusion, LearnedMixin, Rubi
from causalmer_core.models.emotion_model import BranchedModel, BranchOutput

CPU = torch.device("cpu")
LOSS = LossConfig(alpha=0.5, beta=2.0)
BIASED = ("late_fusion", "rubi", "learned_mixin")
CASES = [
    (name, kind) for name in MODELS for kind in TaskKind if (name, kind) != ("learned_mixin", "regression")
]


def model_and_batch(name: str, kind: TaskKind, **values: Any) -> tuple[AnyModel, Batch]:
    data = tiny_data(kind)
    torch.manual_seed(0)
    model = build_model(tiny_config(kind, model__debiasing=name, **values).model, data)
    return model.eval(), next(Batches(data.train, None, size=8, device=CPU)())


def branched(name: str, kind: TaskKind, **values: Any) -> tuple[BranchedModel, BranchOutput, Tensor]:
    model, batch = model_and_batch(name, kind, **values)
    assert isinstance(model, BranchedModel)
    return model, model(batch), batch.labels


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_model_predicts_a_logit_an_output_and_has_a_finite_loss(name: str, kind: TaskKind) -> None:
    model, batch = model_and_batch(name, kind)
    output = model(batch)
    assert model.predict(output).shape == (len(batch), model.task.num_outputs)
    terms = model.loss(output, batch.labels, LOSS)
    assert all(torch.isfinite(term) for term in (terms.total, terms.task, terms.kl))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_loss_gives_gradient_to_every_weight_that_is_trained(name: str, kind: TaskKind) -> None:
    # one constant apart from the others: equal effects would leave the KL term without gradient
    model, batch = model_and_batch(name, kind, model__fusion="hm", model__initial_constant=0.3)
    model.train()
    model.loss(model(batch), batch.labels, LOSS).total.backward()
    grouped = [p for group in model.parameter_groups().values() for p in group]
    silent = [p for p in grouped if p.grad is None or not p.grad.any()]
    assert not silent
    assert {id(p) for p in grouped} == {id(p) for p in model.parameters() if p.requires_grad}


@pytest.mark.parametrize("name", BIASED)
def test_a_rival_s_loss_is_alpha_times_its_task_losses_and_has_no_kl_term(name: str) -> None:
    model, output, labels = branched(name, TaskKind.EMOTIONS)
    terms = model.loss(output, labels, LOSS)
    assert terms.kl == 0
    torch.testing.assert_close(terms.total, 0.5 * terms.task)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_late_fusion_trains_and_predicts_by_the_factual_fusion(fusion: str) -> None:
    model, output, labels = branched("late_fusion", TaskKind.CLASSES, model__fusion=fusion)
    assert isinstance(model, LateFusion)
    z = output.logits
    fused = FUSIONS[fusion](z.multimodal, z.text, z.audio, z.vision)
    torch.testing.assert_close(model.predict(output), fused)
    expected = sum(task_loss(model.task, x, labels) for x in (fused, z.text, z.audio, z.vision))
    torch.testing.assert_close(model.loss(output, labels, LOSS).task, expected)


@pytest.mark.parametrize("kind", TaskKind)
def test_rubi_trains_on_masked_logits_and_predicts_by_the_backbone(kind: TaskKind) -> None:
    model, output, labels = branched("rubi", kind)
    assert isinstance(model, Rubi)
    z = output.logits
    assert model.predict(output) is z.multimodal
    masked = z.multimodal * z.text.sigmoid() * z.audio.sigmoid() * z.vision.sigmoid()
    expected = sum(task_loss(model.task, x, labels) for x in (masked, z.text, z.audio, z.vision))
    torch.testing.assert_close(model.loss(output, labels, LOSS).task, expected)


def test_the_learned_mixin_trains_on_the_gated_mixture_and_predicts_by_the_backbone() -> None:
    model, output, labels = branched("learned_mixin", TaskKind.EMOTIONS)
    assert isinstance(model, LearnedMixin)
    z = output.logits
    assert model.predict(output) is z.multimodal
    gates = F.softplus(model.gate(output.features))
    pairs = [x.view(-1, 4, 2).log_softmax(-1) for x in (z.multimodal, z.text, z.audio, z.vision)]
    mixture = pairs[0] + sum(gates[:, k, None, None] * pairs[k + 1] for k in range(3))
    losses = [F.cross_entropy(x.reshape(-1, 2), labels.reshape(-1)) for x in (mixture, *pairs[1:])]
    torch.testing.assert_close(model.loss(output, labels, LOSS).task, sum(losses))


def test_the_mixture_does_not_train_the_biased_branches() -> None:
    model, output, labels = branched("learned_mixin", TaskKind.CLASSES)
    assert isinstance(model, LearnedMixin)
    task_loss(model.task, model._mixture(output), labels).backward()
    assert all(
        p.grad is None for branch in (model.text_branch, model.audio_branch) for p in branch.parameters()
    )
    assert model.gate.weight.grad is not None


def test_the_learned_mixin_refuses_a_regression_and_says_what_is_allowed() -> None:
    with pytest.raises(UserError, match=r"learned_mixin.*regression; allowed: counterfactual"):
        model_and_batch("learned_mixin", TaskKind.REGRESSION)
