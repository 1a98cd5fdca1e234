"""The DMD backbone: held against published numbers, and what it promises beyond them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from parity import OUTPUTS, fixture, parameters_by_rule, published_parameters, shape_of, tensors
from tiny_data import LENGTHS, TASKS, WIDTHS, tiny_config, tiny_data, tiny_split
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from causalmer_core.backbones.base import InputShape
from causalmer_core.backbones.build import build_backbone
from causalmer_core.backbones.dmd import DMD
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Batch, Modality
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.backbone_config import DMDConfig, DMDLossWeights
from causalmer_core.datasets.batches import Batches
from causalmer_core.method.losses import task_loss
from causalmer_core.training.trainer import Trainer

CPU = torch.device("cpu")
SMALL: dict[str, Any] = {
    "hidden_dim": 8,
    "num_heads": 2,
    "layers": 1,
    "memory_layers": 1,
    "kernel_text": 1,
    "kernel_audio": 3,
    "kernel_vision": 2,
}
STILL = {**SMALL, "attn_dropout": 0.0, "text_dropout": 0.0, "out_dropout": 0.0}
TERMS = tuple(DMDLossWeights.model_fields)
NO_TERMS = dict.fromkeys(TERMS, 0.0)
PUBLISHED_TERMS = {
    "reconstruction": "loss_recon",
    "cycle": "loss_cycle",
    "margin": "loss_margin",
    "homogeneous_regularisation": "loss_homo_reg",
    "homogeneous_logits": "loss_homo_logit",
    "homogeneous_representations": "loss_homo_repr",
    "heterogeneous_regularisation": "loss_hetero_reg",
    "heterogeneous_logits": "loss_hetero_logit",
    "heterogeneous_representations": "loss_hetero_repr",
}


def small(kind: TaskKind = TaskKind.EMOTIONS, **values: Any) -> DMD:
    """A small DMD for the tiny data, the same weights every time."""
    torch.manual_seed(0)
    backbone = build_backbone(
        DMDConfig(**{**STILL, **values}), InputShape(widths=WIDTHS, lengths=LENGTHS, task=TASKS[kind])
    )
    assert isinstance(backbone, DMD)
    return backbone


def batch(kind: TaskKind = TaskKind.EMOTIONS, samples: int = 6) -> Batch:
    (found,) = Batches(tiny_split(kind, samples, key=3), None, size=samples, device=CPU)()
    return found


def masked(whole: Batch) -> Batch:
    """Six samples with masks: of all steps, of some, of fewer than a convolution is wide, and of none."""
    lengths = {
        Modality.TEXT: [5, 4, 3, 2, 1, 0],
        Modality.AUDIO: [8, 5, 1, 2, 7, 3],
        Modality.VISION: [7, 1, 4, 6, 2, 5],
    }
    return replace(
        whole, masks={m: torch.arange(LENGTHS[m]) < torch.tensor(lengths[m])[:, None] for m in MODALITIES}
    )


def whole_masks(whole: Batch) -> Batch:
    """With masks that say that every step is there."""
    return replace(whole, masks={m: torch.ones(whole[m].shape[:2], dtype=torch.bool) for m in MODALITIES})


def with_noise_in_padding(whole: Batch) -> Batch:
    noise = torch.Generator().manual_seed(1)
    return whole.replaced(
        {
            m: torch.where(whole.masks[m][:, :, None], x, torch.randn(x.shape, generator=noise))
            for m, x in ((m, whole[m]) for m in MODALITIES)
        }
    )


class Published:
    """A fixture, and DMD with its weights."""

    def __init__(self, name: str) -> None:
        self.arrays = fixture(name)
        text, audio, vision, labels = tensors(self.arrays, "text", "audio", "vision", "labels")
        kernel_text, kernel_audio, kernel_vision = self.arrays["kernel_sizes"].tolist()
        self.batch = Batch(text, audio, vision, labels.squeeze(1))
        config = DMDConfig(
            layers=2, kernel_text=kernel_text, kernel_audio=kernel_audio, kernel_vision=kernel_vision
        )
        self.model = DMD(config, shape_of((text, audio, vision), TASKS[TaskKind.REGRESSION])).eval()
        for unit in (self.model.homogeneous, self.model.heterogeneous):
            unit.load_state_dict(parameters_by_rule((n, p.shape) for n, p in unit.named_parameters()))
        self.left = self.model.load_state_dict(published_parameters(self.arrays), strict=False)

    def holds(self, name: str, found: Tensor) -> None:
        np.testing.assert_allclose(found.detach().numpy(), self.arrays[name], **OUTPUTS, err_msg=name)


@pytest.fixture(scope="module", params=["dmd_mosei_aligned", "dmd_mosi_aligned"])
def published(request: pytest.FixtureRequest) -> Published:
    return Published(request.param)


class TestAgainstThePublishedNumbers:
    def test_logits_and_features_are_the_published_ones(self, published: Published) -> None:
        output = published.model(published.batch)
        published.holds("logits", output.logits)
        published.holds("features", output.features)

    def test_the_shared_and_unimodal_predictions_are_the_published_ones(self, published: Published) -> None:
        parts = published.model.parts(published.batch)
        published.holds("logits_c", parts.shared_logits)
        for modality, letter in zip(MODALITIES, "lav", strict=True):
            published.holds(f"logits_{letter}_homo", parts.homogeneous[modality].logits)
            published.holds(f"logits_{letter}_hetero", parts.heterogeneous[modality].logits)

    def test_the_edges_are_the_published_ones_although_ours_have_no_biases(
        self, published: Published
    ) -> None:
        homogeneous, heterogeneous = published.model.distillations(published.model.parts(published.batch))
        published.holds("edges_homo", homogeneous.edges)
        published.holds("edges_hetero", heterogeneous.edges)

    def test_every_loss_term_is_the_published_one(self, published: Published) -> None:
        model, labels = published.model, published.batch.labels
        parts = model.parts(published.batch)
        terms = model.loss_terms(parts, labels)
        final = task_loss(TASKS[TaskKind.REGRESSION], parts.logits, labels)
        published.holds("loss_task", final + terms["tasks"])
        for ours, theirs in PUBLISHED_TERMS.items():
            published.holds(theirs, terms[ours])

    def test_the_whole_loss_is_the_published_sum(self, published: Published) -> None:
        """`loss_task + 0.05 (homogeneous) + 0.05 (heterogeneous) + 0.1 (cycle + reconstruction + 0.1 (...))`."""
        a, output = published.arrays, published.model(published.batch)
        terms = published.model.loss_terms(published.model.parts(published.batch), published.batch.labels)
        final = task_loss(TASKS[TaskKind.REGRESSION], output.logits, published.batch.labels)
        distilled = a["loss_homo_logit"] + a["loss_homo_reg"]
        distilled += a["loss_hetero_logit"] + a["loss_hetero_reg"] + a["loss_hetero_repr"]
        decoupled = (
            a["loss_recon"] + a["loss_cycle"] + 0.1 * (a["loss_margin"] + terms["orthogonality"].item())
        )
        np.testing.assert_allclose(
            (final + output.auxiliary_loss).item(),
            a["loss_task"] + 0.05 * distilled + 0.1 * decoupled,
            **OUTPUTS,
        )

    def test_parameters_have_the_published_names_and_shapes(self, published: Published) -> None:
        units = {"homogeneous", "heterogeneous"}  # of their own names, and set before
        assert {name.split(".")[0] for name in published.left.missing_keys} == units
        assert all(name.startswith("proj_cosine_") for name in published.left.unexpected_keys)


@pytest.mark.parametrize("kind", TaskKind)
class TestForEveryTask:
    def test_logits_have_the_outputs_of_the_task_and_the_loss_is_finite(self, kind: TaskKind) -> None:
        model = small(kind)
        output = model(batch(kind))
        assert output.logits.shape == (6, TASKS[kind].num_outputs)
        assert output.features.shape == (6, model.feature_width)
        assert output.auxiliary_loss.shape == ()
        assert output.auxiliary_loss.isfinite()

    def test_gradient_reaches_every_trainable_parameter(self, kind: TaskKind) -> None:
        model = small(kind)
        output = model(batch(kind))
        (output.auxiliary_loss + output.logits.square().sum()).backward()
        assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []

    def test_a_small_one_trains_in_causalmer(self, kind: TaskKind) -> None:
        config = tiny_config(kind, model__backbone={"name": "dmd", **STILL}, trainer__max_epochs=15)
        trainer = Trainer(config, tiny_data(kind), seed=0, device=CPU)
        assert isinstance(trainer.model.get_submodule("backbone"), DMD)
        losses = [epoch.train.task for epoch in trainer.epochs()]
        assert losses[-1] < 0.8 * losses[0], losses

    def test_in_evaluation_a_sample_does_not_depend_on_the_others_in_its_batch(self, kind: TaskKind) -> None:
        model, whole = small(kind).eval(), masked(batch(kind))
        one = Batch(
            *(whole[m][2:3] for m in MODALITIES),
            whole.labels[2:3],
            {m: k[2:3] for m, k in whole.masks.items()},
        )
        torch.testing.assert_close(model(whole).logits[2:3], model(one).logits)
        torch.testing.assert_close(model(whole).features[2:3], model(one).features)


class TestPadding:
    def test_what_stands_in_padding_never_matters(self) -> None:
        model, whole = small().eval(), masked(batch())
        found, again = model(whole), model(with_noise_in_padding(whole))
        assert torch.equal(found.logits, again.logits)
        assert torch.equal(found.features, again.features)
        assert torch.equal(found.auxiliary_loss, again.auxiliary_loss)

    @pytest.mark.parametrize("kind_of_masks", [masked, whole_masks])
    def test_how_much_padding_there_is_matters_to_the_flattened_layers_only(
        self, kind_of_masks: Callable[[Batch], Batch]
    ) -> None:
        whole, more = kind_of_masks(batch()), 4
        longer = Batch(
            *(F.pad(whole[m], (0, 0, 0, more)) for m in MODALITIES),
            whole.labels,
            {m: F.pad(mask, (0, more)) for m, mask in whole.masks.items()},
        )
        model = small().eval()
        wider = DMD(model.config, shape_of([longer[m] for m in MODALITIES], TASKS[TaskKind.EMOTIONS])).eval()
        shapes = {name: p.shape for name, p in wider.named_parameters()}
        wider.load_state_dict(
            {n: p for n, p in model.named_parameters() if p.shape == shapes[n]}, strict=False
        )
        found, again = model.parts(whole), wider.parts(longer)
        there = slice(0, 5)  # masked, the last sample has no text: its last step is the last of the padding
        torch.testing.assert_close(found.features[there], again.features[there])
        torch.testing.assert_close(found.shared_logits[there], again.shared_logits[there])
        torch.testing.assert_close(found.logits[there], again.logits[there])
        terms, others = (m.loss_terms(parts, whole.labels) for m, parts in ((model, found), (wider, again)))
        for term in ("reconstruction", "cycle", "orthogonality"):
            torch.testing.assert_close(terms[term], others[term])

    def test_masks_of_all_steps_change_nothing(self) -> None:
        model, whole = small().eval(), batch()
        full = replace(whole, masks={m: torch.ones(whole[m].shape[:2], dtype=torch.bool) for m in MODALITIES})
        found, again = model(whole), model(full)
        torch.testing.assert_close(found.logits, again.logits)
        torch.testing.assert_close(found.auxiliary_loss, again.auxiliary_loss)

    def test_gradients_are_finite_where_a_modality_has_no_step_at_all(self) -> None:
        model = small()
        output = model(masked(batch()))
        (output.auxiliary_loss + output.logits.square().sum()).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


class TestWeights:
    @pytest.mark.parametrize("term", TERMS)
    def test_each_weight_scales_its_own_term_and_no_other(self, term: str) -> None:
        weights = {**NO_TERMS, term: 0.7}
        model = small(loss_weights=DMDLossWeights(**weights)).eval()
        terms = model.loss_terms(model.parts(batch()), batch().labels)
        assert terms[term].item() > 1e-3  # a term that is 0 here would show nothing
        torch.testing.assert_close(model(batch()).auxiliary_loss, 0.7 * terms[term])

    @pytest.mark.parametrize("term", TERMS)
    def test_what_a_term_alone_does_not_train_is_frozen(self, term: str) -> None:
        model = small(loss_weights=DMDLossWeights(**{**NO_TERMS, term: 1.0}))
        output = model(batch())
        (output.auxiliary_loss + output.logits.square().sum()).backward()
        for name, parameter in model.named_parameters():
            reached = parameter.grad is not None and bool(parameter.grad.any())
            assert reached == parameter.requires_grad, name

    def test_without_any_term_the_auxiliary_loss_is_zero(self) -> None:
        model = small(loss_weights=DMDLossWeights(**NO_TERMS))
        assert model(batch()).auxiliary_loss.item() == 0
        frozen = {n.split(".")[0] for n, p in model.named_parameters() if not p.requires_grad}
        assert {"homogeneous", "heterogeneous", "decoder_l", "align_c_a", "out_layer_v_low"} <= frozen
        assert "encoder_c" not in frozen


class TestShapes:
    @pytest.mark.parametrize("modality", MODALITIES)
    def test_a_batch_of_other_lengths_is_refused(self, modality: Modality) -> None:
        whole = batch()
        shorter = whole.replaced({modality: whole[modality][:, 1:]})
        given, allowed = LENGTHS[modality] - 1, LENGTHS[modality]
        with pytest.raises(UserError, match=rf"{given} {modality} steps; allowed: {allowed}"):
            small()(shorter)

    def test_a_modality_as_wide_as_the_model_is_not_convolved_and_keeps_its_length(self) -> None:
        shape = InputShape(
            widths={**WIDTHS, Modality.AUDIO: 8}, lengths=LENGTHS, task=TASKS[TaskKind.EMOTIONS]
        )
        model = DMD(DMDConfig(**STILL), shape)
        assert "proj_a" not in dict(model.named_children())
        assert model.get_submodule("align_c_a").in_features == 8 * LENGTHS[Modality.AUDIO]
        whole = batch()
        assert model(whole.replaced({Modality.AUDIO: torch.randn(6, 8, 8)})).logits.isfinite().all()


class TestPrecision:
    def test_under_bf16_outputs_stay_close(self) -> None:
        model, whole = small().eval(), batch()
        exact = model(whole)
        with torch.autocast("cpu", torch.bfloat16):
            rough = model(whole)
        assert rough.logits.dtype == torch.bfloat16
        torch.testing.assert_close(rough.logits.float(), exact.logits, rtol=0.05, atol=0.05)
        torch.testing.assert_close(rough.auxiliary_loss, exact.auxiliary_loss, rtol=0.05, atol=0.05)

    def test_under_bf16_every_loss_term_is_computed_in_float32(self) -> None:
        model, whole = small().eval(), batch()
        with torch.autocast("cpu", torch.bfloat16):
            parts = model.parts(whole)
            within = model.loss_terms(parts, whole.labels)
        without = model.loss_terms(parts, whole.labels)
        for term in TERMS:
            assert within[term].dtype == torch.float32, term
            assert torch.equal(within[term], without[term]), term

    def test_bf16_gradients_are_finite(self) -> None:
        model = small()
        with torch.autocast("cpu", torch.bfloat16):
            output = model(batch())
        (output.auxiliary_loss + output.logits.float().square().sum()).backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


class TestDropout:
    def test_text_dropout_and_head_dropout_act_in_training_only(self) -> None:
        for name in ("text_dropout", "out_dropout", "attn_dropout"):
            model = small(**{name: 0.5})
            assert not torch.equal(model(batch()).logits, model(batch()).logits), name
            assert torch.equal(model.eval()(batch()).logits, small().eval()(batch()).logits), name

    def test_attention_dropout_goes_by_the_source_modality(self) -> None:
        model = small(attn_dropout=0.1, attn_dropout_audio=0.2, attn_dropout_vision=0.3)

        def dropout(name: str) -> Any:
            return model.get_submodule(f"{name}.layers.0.self_attn").dropout

        assert dropout("self_attentions_c_l") == dropout("trans_a_with_l") == dropout("trans_v_mem") == 0.1
        assert dropout("self_attentions_c_a") == dropout("trans_l_with_a") == 0.2
        assert dropout("self_attentions_c_v") == dropout("trans_l_with_v") == 0.3
