"""The MulT backbone, and the contract that every backbone keeps."""

from __future__ import annotations

import pytest
import torch
from tiny_data import LENGTHS, SMALL_MODEL, WIDTHS, tiny_split

from causalmer_core.backbone_config import MulTConfig
from causalmer_core.backbones import build_backbone
from causalmer_core.backbones.base import Backbone, InputShape
from causalmer_core.datasets.batches import Batches
from causalmer_core.errors import UserError
from causalmer_core.modality import MODALITIES, Batch, Modality
from causalmer_core.task import Task, TaskKind

SMALL = MulTConfig(**SMALL_MODEL["model.backbone"])


def shape(*, widths: dict[Modality, int] = WIDTHS, lengths: dict[Modality, int] = LENGTHS) -> InputShape:
    return InputShape(
        widths=widths, lengths=lengths, task=Task(kind=TaskKind.EMOTIONS, labels=("happy", "sad"))
    )


def backbone(config: MulTConfig = SMALL, *, lengths: dict[Modality, int] | None = None) -> Backbone:
    torch.manual_seed(0)
    return build_backbone(config, shape(lengths=lengths or LENGTHS))


def batch(samples: int = 6) -> Batch:
    split = tiny_split(TaskKind.EMOTIONS, samples, key=3)
    (found,) = Batches(split, None, size=samples, device=torch.device("cpu"))()
    return found


def test_modalities_of_different_lengths_and_widths_become_logits() -> None:
    output = backbone()(batch())
    assert output.logits.shape == (6, 4)
    assert output.features.shape == (6, 6 * 8)
    assert output.auxiliary_loss.shape == ()
    assert output.auxiliary_loss.item() == 0


def test_in_evaluation_a_sample_does_not_depend_on_the_others_in_its_batch() -> None:
    model = backbone().eval()
    whole, part = batch(), batch()
    part = Batch(whole.text[2:3], whole.audio[2:3], whole.vision[2:3], whole.labels[2:3])
    torch.testing.assert_close(model(whole).logits[2:3], model(part).logits)
    assert torch.equal(model(whole).logits, model(whole).logits)


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_modality_matters_and_may_be_missing(modality: Modality) -> None:
    model = backbone().eval()
    full = model(batch()).logits
    removed = model(batch().without([modality])).logits
    assert removed.isfinite().all()
    assert not torch.allclose(full, removed)


def test_nothing_at_all_is_finite() -> None:
    assert backbone().eval()(batch().without(MODALITIES)).logits.isfinite().all()


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_convolution_wider_than_the_sequence_is_refused(modality: Modality) -> None:
    config = SMALL.model_copy(update={f"kernel_{modality}": LENGTHS[modality] + 1})
    with pytest.raises(UserError, match=rf"kernel_{modality} is {LENGTHS[modality] + 1}.*allowed: 1 to"):
        backbone(config)
    backbone(SMALL.model_copy(update={f"kernel_{modality}": LENGTHS[modality]}))(batch())


def test_a_modality_as_wide_as_the_model_is_not_convolved() -> None:
    widths = {**WIDTHS, Modality.AUDIO: SMALL.hidden_dim}
    model = build_backbone(SMALL, shape(widths=widths))
    names = {name.split(".")[0] for name, _ in model.named_parameters()}
    assert "proj_a" not in names
    assert {"proj_l", "proj_v"} <= names


@pytest.mark.parametrize(("layers", "memory_layers", "memory"), [(1, None, 3), (5, None, 5), (2, 1, 1)])
def test_the_memory_transformers_are_three_deep_at_least_unless_told(
    layers: int, memory_layers: int | None, memory: int
) -> None:
    model = backbone(SMALL.model_copy(update={"layers": layers, "memory_layers": memory_layers}))
    assert len(model.get_submodule("trans_l_with_a.layers")) == layers
    assert len(model.get_submodule("trans_v_mem.layers")) == memory


def test_gradient_reaches_every_parameter() -> None:
    model = backbone(SMALL.model_copy(update={"relu_dropout": 0.0, "out_dropout": 0.0}))
    model(batch()).logits.square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_attention_dropout_goes_by_the_source_modality() -> None:
    config = SMALL.model_copy(
        update={"attn_dropout": 0.1, "attn_dropout_audio": 0.2, "attn_dropout_vision": 0.3}
    )
    model = backbone(config)

    def dropout(name: str) -> float:
        return model.get_submodule(f"{name}.layers.0.self_attn").dropout  # type: ignore[return-value]

    assert dropout("trans_a_with_l") == dropout("trans_v_with_l") == dropout("trans_l_mem") == 0.1
    assert dropout("trans_l_with_a") == dropout("trans_v_with_a") == 0.2
    assert dropout("trans_l_with_v") == dropout("trans_a_with_v") == 0.3
