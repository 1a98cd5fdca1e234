"""CausalMER around a backbone, for every fusion strategy and task, and the backbone alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_data import tiny_config, tiny_data

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Batch
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.run_config import LossConfig
from causalmer_core.datasets.batches import Batches
from causalmer_core.method.effects import effects
from causalmer_core.method.fusion import FUSIONS, fusion
from causalmer_core.method.losses import kl_loss, task_loss
from causalmer_core.models.build import MODELS, AnyModel, BackboneAlone, CausalMER, build_model
from causalmer_core.published_checkpoint.names import CONSTANTS, UNUSED, from_published, published_names

EVERY_KIND = pytest.mark.parametrize("kind", list(TaskKind))
EVERY_FUSION = pytest.mark.parametrize("name", FUSIONS)


def model(kind: TaskKind, **values: Any) -> AnyModel:
    torch.manual_seed(0)
    return build_model(tiny_config(kind, **values).model, tiny_data(kind)).eval()


def causal(kind: TaskKind, name: str, **values: Any) -> CausalMER:
    found = model(kind, model__fusion=name, model__initial_constant=0.3, **values)
    assert isinstance(found, CausalMER)
    return found


def batch(kind: TaskKind) -> Batch:
    (found,) = Batches(tiny_data(kind).valid, None, size=50, device=torch.device("cpu"))()
    return found


@EVERY_KIND
@EVERY_FUSION
def test_it_predicts_by_the_weighted_indirect_effect(kind: TaskKind, name: str) -> None:
    weights = {"text": 0.5, "audio": 2.0, "vision": 0.0}
    debiased = causal(kind, name, model__debiasing_weights=weights)
    output = debiased(batch(kind))
    logits = output.logits
    expected = effects(fusion(name), logits, torch.full((3,), 0.3)).tie((0.5, 2.0, 0.0))
    assert debiased.predict(output).shape == (9, tiny_data(kind).task.num_outputs)
    torch.testing.assert_close(debiased.predict(output), expected)
    torch.testing.assert_close(causal(kind, name).predict(output), debiased.effects(logits).tie())


@EVERY_KIND
@EVERY_FUSION
@pytest.mark.parametrize("axis", ["flat", "per_emotion"])
def test_its_loss_is_alpha_times_four_task_losses_and_beta_times_the_kl_term(
    kind: TaskKind, name: str, axis: str
) -> None:
    debiased, data = causal(kind, name), batch(kind)
    weights = LossConfig(alpha=0.2, beta=0.6, kl_axis=axis)
    terms = debiased.loss(debiased(data), data.labels, weights)
    z = debiased(data).logits
    factual = fusion(name)(z.multimodal, z.text, z.audio, z.vision)
    task = sum(task_loss(debiased.task, x, data.labels) for x in (factual, z.text, z.audio, z.vision))
    kl = kl_loss(debiased.task, effects(fusion(name), z, debiased.constants), axis)
    torch.testing.assert_close(terms.task, task)
    torch.testing.assert_close(terms.kl, kl)
    torch.testing.assert_close(terms.total, 0.2 * task + 0.6 * kl)


@pytest.mark.parametrize("name", ["sum", "hm", "mask"])
def test_the_kl_term_gives_gradient_to_the_constants_and_to_nothing_else(name: str) -> None:
    debiased, data = causal(TaskKind.EMOTIONS, name), batch(TaskKind.EMOTIONS)
    debiased.loss(debiased(data), data.labels, LossConfig()).kl.backward()
    assert [n for n, p in debiased.named_parameters() if p.grad is not None] == ["no_treatment"]


@EVERY_FUSION
def test_the_task_loss_gives_gradient_to_every_weight_and_none_to_the_constants(name: str) -> None:
    debiased, data = causal(TaskKind.EMOTIONS, name), batch(TaskKind.EMOTIONS)
    debiased.loss(debiased(data), data.labels, LossConfig()).task.backward()
    without = [n for n, p in debiased.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == ["no_treatment"]


@EVERY_FUSION
def test_a_prediction_holds_the_constants_fixed(name: str) -> None:
    debiased = causal(TaskKind.EMOTIONS, name)
    debiased.predict(debiased(batch(TaskKind.EMOTIONS))).sum().backward()
    assert debiased.constants.grad is None


@EVERY_KIND
def test_in_mask_mode_with_the_published_constants_the_prediction_is_the_factual_fusion(
    kind: TaskKind,
) -> None:
    debiased = model(kind, model__fusion="mask")
    output = debiased(batch(kind))
    z = output.logits
    factual = fusion("mask")(z.multimodal, z.text, z.audio, z.vision)
    assert torch.equal(debiased.predict(output), factual)


@EVERY_KIND
def test_the_backbone_alone_is_the_backbone(kind: TaskKind) -> None:
    alone, data = model(kind, model__debiasing="none"), batch(kind)
    assert isinstance(alone, BackboneAlone)
    output = alone(data)
    assert torch.equal(alone.predict(output), alone.backbone(data).logits)
    terms = alone.loss(output, data.labels, LossConfig(alpha=0.1, beta=5.0))
    torch.testing.assert_close(terms.total, task_loss(alone.task, output[0], data.labels))
    assert alone.constants is None


EVERY_MODEL_AND_KIND = pytest.mark.parametrize(
    ("debiasing", "kind"),
    [(d, k) for d in MODELS for k in TaskKind if (d, k) != ("learned_mixin", TaskKind.REGRESSION)],
)


def test_the_learned_mixin_refuses_a_regression() -> None:
    with pytest.raises(
        UserError, match=r"the data set is a regression; allowed: counterfactual, late_fusion"
    ):
        model(TaskKind.REGRESSION, model__debiasing="learned_mixin")


@EVERY_MODEL_AND_KIND
def test_every_model_trains_each_of_its_trainable_parameters_and_predicts_logits(
    kind: TaskKind, debiasing: str
) -> None:
    found, data = model(kind, model__debiasing=debiasing), batch(kind)
    output = found(data)
    logits = found.predict(output)
    assert logits.shape == (9, found.task.num_outputs)
    assert logits.isfinite().all()
    terms = found.loss(output, data.labels, LossConfig())
    assert terms.total.shape == terms.task.shape == terms.kl.shape == ()
    terms.total.backward()
    silent = [
        n for n, p in found.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
    ]
    # published: the constants start at 0, where in mask mode every NDE is 0 and so is their gradient
    assert [n for n in silent if n != "no_treatment"] == []


@pytest.mark.parametrize(
    ("kind", "name", "asked", "learned"),
    [
        (TaskKind.EMOTIONS, "mask", "auto", True),
        (TaskKind.EMOTIONS, "tanh", "auto", False),
        (TaskKind.REGRESSION, "mask", "auto", False),
        (TaskKind.EMOTIONS, "tanh", "learned", True),
        (TaskKind.REGRESSION, "mask", "learned", True),
    ],
)
def test_constants_that_cannot_learn_are_held_unless_asked_otherwise(
    kind: TaskKind, name: str, asked: str, learned: bool
) -> None:
    debiased = causal(kind, name, model__constants=asked)
    assert debiased.constants.requires_grad is learned
    assert ("constants" in debiased.parameter_groups()) is learned


@EVERY_MODEL_AND_KIND
def test_every_trainable_parameter_is_in_one_group(kind: TaskKind, debiasing: str) -> None:
    found = model(kind, model__debiasing=debiasing)
    grouped = [id(p) for group in found.parameter_groups().values() for p in group]
    assert sorted(grouped) == sorted(id(p) for p in found.parameters() if p.requires_grad)


PUBLISHED_BRANCHES: dict[str, Any] = {
    "model__text_branch": {
        "name": "albert",
        "embedding_size": 8,
        "hidden_size": 8,
        "num_layers": 1,
        "num_heads": 2,
        "intermediate_size": 16,
        "vocab_size": 4,
        "max_positions": 8,
    },
    "model__audio_branch": {"name": "resnet18"},
    "model__vision_branch": {"name": "resnet18"},
}


def test_published_names_lead_back_to_ours_for_parameters_and_buffers() -> None:
    found = causal(TaskKind.EMOTIONS, "mask", **PUBLISHED_BRANCHES)
    ours = found.state_dict()
    published: dict[str, torch.Tensor] = {}
    for name, tensor in ours.items():
        theirs = published_names(name)
        parts = tensor.unbind() if theirs == CONSTANTS else (tensor,)
        for key, part in zip(theirs, parts, strict=True):
            assert key not in published
            published[key] = part
    published["t_branch.model.pooler.weight"] = torch.zeros(8, 8)
    again = from_published(ours, published)
    assert again.keys() == ours.keys()
    assert all(torch.equal(again[name], ours[name]) for name in ours)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("backbone.trans_l_with_a.layers.0.fc1.weight", "tav_branch.trans_l_with_a.layers.0.fc1.weight"),
        ("text_branch.projection.bias", "t_branch.linear_transformation.bias"),
        ("audio_branch.resnet.embedder.embedder.convolution.weight", "a_branch.a_branch.conv1.weight"),
        (
            "audio_branch.resnet.encoder.stages.0.layers.1.layer.0.normalization.running_mean",
            "a_branch.a_branch.layer1.1.bn1.running_mean",
        ),
        (
            "vision_branch.resnet.encoder.stages.3.layers.0.shortcut.normalization.bias",
            "v_branch.v_branch.layer4.0.downsample.1.bias",
        ),
        ("vision_branch.head.weight", "v_branch.v_branch.fc.weight"),
    ],
)
def test_a_name_is_mapped_as_the_table_says(ours: str, theirs: str) -> None:
    assert published_names(ours) == (theirs,)


def test_a_published_checkpoint_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"missing: constant_t; not known: os\.system"):
        from_published(
            ["no_treatment"], {n: torch.zeros(()) for n in ("constant_a", "constant_v", "os.system")}
        )


def test_the_small_branches_have_no_published_name() -> None:
    with pytest.raises(KeyError):
        published_names("audio_branch.first.weight")
    assert not UNUSED.fullmatch("t_branch.text_mlp.weight")
