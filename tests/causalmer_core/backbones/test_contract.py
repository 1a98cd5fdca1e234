"""What every backbone promises: ours, and one that another package brings through the entry-point group.

A new one in `BACKBONES` is held to all of it, here and in `test_contract_in_runs`. To hold your own to it, install your
package and add its name to `tiny_backbones.NAMES`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_backbones import (
    EVERY_BACKBONE,
    EVERY_KIND,
    NAMES,
    built,
    copied,
    padded,
    small,
    small_config,
    tiny_batch,
    tiny_shape,
)
from tiny_data import LENGTHS
from torch import Tensor

from causalmer_core.backbones.base import BackboneOutput, InputShape
from causalmer_core.backbones.build import BACKBONES
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, Batch, Modality, subsets
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.basics.task import TaskKind
from causalmer_core.config.backbone_config import BUILT_IN
from causalmer_core.method.losses import task_loss
from causalmer_core.training.compute import layers_in

FIXED_LENGTHS = {"dmd"}
"""Backbones that see all steps at once in some layer, and so take the lengths they are built for and no others."""
LOOKS_AT = {"unimodal": {Modality.TEXT}}
"""Backbones that do not look at all modalities."""
KERNELS = tuple(f"kernel_{m}" for m in MODALITIES)
CONVOLVING = tuple(name for name, config in BUILT_IN.items() if config.model_fields.keys() >= set(KERNELS))
"""Backbones with convolutions in front."""

pytestmark = pytest.mark.usefixtures("installed_backbone")
CPU = torch.device("cpu")


def shape_of(widths: tuple[int, ...], lengths: tuple[int, ...], kind: TaskKind) -> InputShape:
    return tiny_shape(
        kind,
        widths=dict(zip(MODALITIES, widths, strict=True)),
        lengths=dict(zip(MODALITIES, lengths, strict=True)),
    )


def total(output: BackboneOutput) -> Tensor:
    return output.logits.square().sum() + output.auxiliary_loss


def taken(batch: Batch, samples: list[int]) -> Batch:
    """Some samples of a batch, in that order."""
    text, audio, vision = (batch[m][samples] for m in MODALITIES)
    return Batch(text, audio, vision, batch.labels[samples], {m: x[samples] for m, x in batch.masks.items()})


def test_every_configuration_of_ours_has_its_backbone() -> None:
    assert BACKBONES.keys() == BUILT_IN.keys()
    for name, backbone in BACKBONES.items():
        assert backbone.config_type is BUILT_IN[name]
        assert BUILT_IN[name]().name == name


# Shapes


@EVERY_BACKBONE
@EVERY_KIND
@pytest.mark.parametrize(
    ("widths", "lengths"),
    [((6, 5, 4), (5, 8, 7)), ((1, 2, 3), (4, 4, 4)), ((13, 8, 1), (3, 12, 3)), ((7, 7, 7), (9, 3, 4))],
)
@pytest.mark.parametrize("masks", [False, True])
def test_any_widths_lengths_and_number_of_outputs_become_logits_and_features(
    name: str, kind: TaskKind, widths: tuple[int, ...], lengths: tuple[int, ...], masks: bool
) -> None:
    shape = shape_of(widths, lengths, kind)
    model = built(small_config(name), shape)
    output = model(tiny_batch(shape, masks=masks))
    assert output.logits.shape == (6, shape.num_outputs)
    assert output.features.shape == (6, model.feature_width)
    assert output.auxiliary_loss.shape == ()
    assert output.logits.dtype == output.features.dtype == torch.float32
    assert all(x.isfinite().all() for x in (output.logits, output.features, output.auxiliary_loss))


@pytest.mark.parametrize("name", CONVOLVING)
@pytest.mark.parametrize("modality", MODALITIES)
def test_a_convolution_wider_than_the_sequence_is_refused_and_one_as_wide_is_not(
    name: str, modality: Modality
) -> None:
    kernel, steps = f"kernel_{modality}", LENGTHS[modality]
    with pytest.raises(
        UserError, match=rf"{kernel} is {steps + 1}, but the data has {steps}.*allowed: 1 to {steps}"
    ):
        small(name, **{kernel: steps + 1})
    output = small(name, **{kernel: steps})(tiny_batch(masks=True))
    assert output.logits.isfinite().all()


# What it looks at


@EVERY_BACKBONE
@pytest.mark.parametrize("removed", list(subsets()), ids=lambda s: "".join(sorted(s)) or "none")
def test_any_of_the_modalities_may_be_zero_or_have_no_step_at_all(
    name: str, removed: frozenset[Modality]
) -> None:
    model = small(name).eval()
    batch = tiny_batch(masks=True)
    none_there = {m: torch.zeros_like(batch.masks[m]) if m in removed else batch.masks[m] for m in MODALITIES}
    for found in (tiny_batch().without(removed), replace(batch.without(removed), masks=none_there)):
        output = model(found)
        assert output.logits.isfinite().all()
        assert output.auxiliary_loss.isfinite()


@EVERY_BACKBONE
@pytest.mark.parametrize("modality", MODALITIES)
def test_every_modality_that_it_looks_at_matters(name: str, modality: Modality) -> None:
    model = small(name).eval()
    full = model(tiny_batch()).logits
    matters = not torch.equal(full, model(tiny_batch().without([modality])).logits)
    assert matters is (modality in LOOKS_AT.get(name, MODALITIES))


@EVERY_BACKBONE
@pytest.mark.parametrize("masks", [False, True])
def test_in_evaluation_a_sample_does_not_depend_on_the_others_in_its_batch(name: str, masks: bool) -> None:
    model, batch = small(name).eval(), tiny_batch(masks=masks)
    whole = model(batch)
    for samples in ([2], [5, 0], [3, 3, 1, 4, 2]):
        part = model(taken(batch, samples))
        torch.testing.assert_close(part.logits, whole.logits[samples])
        torch.testing.assert_close(part.features, whole.features[samples])
    assert torch.equal(model(batch).logits, whole.logits)


@EVERY_BACKBONE
@pytest.mark.parametrize("kernel", [None, 5])
def test_what_stands_in_padded_steps_does_not_matter(name: str, kernel: int | None) -> None:
    """Nor does it where a convolution is wider than a sample is long: the shortest has 3 steps."""
    kernels = {} if kernel is None or name not in CONVOLVING else dict.fromkeys(KERNELS, kernel)
    model, batch = small(name, **kernels).eval(), tiny_batch(masks=True)
    assert all(mask.sum(dim=1).min() == 3 for mask in batch.masks.values())
    other = tiny_batch(masks=True, key=1)
    noise = {m: torch.where(batch.masks[m][:, :, None], batch[m], 50 * other[m]) for m in MODALITIES}
    zeros = {m: batch[m] * batch.masks[m][:, :, None] for m in MODALITIES}
    for features in (noise, zeros):
        torch.testing.assert_close(model(batch.replaced(features)).logits, model(batch).logits)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FIXED_LENGTHS])
def test_more_padding_changes_nothing(name: str) -> None:
    """The same for all modalities: MulT hides later steps by the difference of two lengths, padding included."""
    model, batch = small(name).eval(), tiny_batch(masks=True)
    longer = padded(batch, dict.fromkeys(MODALITIES, 4))
    torch.testing.assert_close(model(longer).logits, model(batch).logits)


# Training


@EVERY_BACKBONE
@pytest.mark.parametrize("masks", [False, True])
def test_gradient_reaches_every_trainable_parameter(name: str, masks: bool) -> None:
    model = small(name, dropout=False)
    total(model(tiny_batch(masks=masks))).backward()
    trainable = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    assert trainable
    assert [n for n, p in trainable if p.grad is None or not p.grad.any()] == []
    assert all(p.grad is not None and p.grad.isfinite().all() for _, p in trainable)


@EVERY_BACKBONE
def test_the_seed_alone_decides_weights_outputs_and_training(name: str) -> None:
    def trained(seed: int) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
        model = small(name, seed=seed)
        fresh = copied(model)
        optimiser = torch.optim.Adam(p for p in model.parameters() if p.requires_grad)
        with drawing_from(seed, "dropout", 1):
            for _ in range(3):
                optimiser.zero_grad()
                total(model(tiny_batch(masks=True))).backward()
                optimiser.step()
        return fresh, copied(model), model.eval()(tiny_batch()).logits

    torch.manual_seed(1)
    fresh, after, logits = trained(0)
    torch.manual_seed(2)
    again = trained(0)
    assert all(torch.equal(fresh[n], again[0][n]) and torch.equal(after[n], again[1][n]) for n in fresh)
    assert torch.equal(logits, again[2])
    other = trained(1)
    assert any(not torch.equal(fresh[n], other[0][n]) for n in fresh)
    assert not torch.allclose(logits, other[2])


@EVERY_BACKBONE
def test_it_learns_32_samples_by_heart(name: str) -> None:
    shape = tiny_shape(TaskKind.CLASSES)
    model = built(small_config(name, dropout=False), shape)
    batch = tiny_batch(shape, 32, masks=True)
    optimiser = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=0.01)
    for _ in range(300):
        optimiser.zero_grad()
        output = model(batch)
        (task_loss(shape.task, output.logits, batch.labels) + output.auxiliary_loss).backward()
        optimiser.step()
    model.eval()
    assert torch.equal(model(batch).logits.argmax(dim=1), batch.labels)


@EVERY_BACKBONE
def test_under_bfloat16_it_trains_and_stays_near_float32(name: str) -> None:
    model, batch = small(name, dropout=False), tiny_batch(masks=True)
    exact = model(batch).logits
    with layers_in("bf16", CPU):
        output = model(batch)
    torch.testing.assert_close(output.logits.float(), exact, rtol=0.1, atol=0.1)
    total(output).float().backward()
    grads = [p.grad for p in model.parameters() if p.requires_grad]
    assert all(g is not None and g.dtype == torch.float32 and g.isfinite().all() for g in grads)
