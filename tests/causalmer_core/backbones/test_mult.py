"""The MulT backbone beyond what every backbone promises (`test_contract`); its published numbers: `test_parity`."""

from __future__ import annotations

import pytest
import torch
from tiny_backbones import built, padded, small, small_config, tiny_batch, tiny_shape
from tiny_data import WIDTHS

from causalmer_core.basics.modality import Modality


def test_its_features_are_two_crossmodal_streams_of_each_modality_and_it_has_no_loss_of_its_own() -> None:
    output = small("mult")(tiny_batch())
    assert output.features.shape == (6, 6 * 8)
    assert output.auxiliary_loss.item() == 0


def test_a_modality_as_wide_as_the_model_is_not_convolved() -> None:
    model = built(small_config("mult"), tiny_shape(widths={**WIDTHS, Modality.AUDIO: 8}))
    names = {name.split(".")[0] for name, _ in model.named_parameters()}
    assert "proj_a" not in names
    assert {"proj_l", "proj_v"} <= names


@pytest.mark.parametrize(("layers", "memory_layers", "memory"), [(1, None, 3), (5, None, 5), (2, 1, 1)])
def test_the_memory_transformers_are_three_deep_at_least_unless_told(
    layers: int, memory_layers: int | None, memory: int
) -> None:
    model = small("mult", layers=layers, memory_layers=memory_layers)
    assert len(model.get_submodule("trans_l_with_a.layers")) == layers
    assert len(model.get_submodule("trans_v_mem.layers")) == memory


def test_attention_dropout_goes_by_the_source_modality() -> None:
    model = small("mult", attn_dropout=0.1, attn_dropout_audio=0.2, attn_dropout_vision=0.3)

    def dropout(name: str) -> float:
        return model.get_submodule(f"{name}.layers.0.self_attn").dropout  # type: ignore[return-value]

    assert dropout("trans_a_with_l") == dropout("trans_v_with_l") == dropout("trans_l_mem") == 0.1
    assert dropout("trans_l_with_a") == dropout("trans_v_with_a") == 0.2
    assert dropout("trans_l_with_v") == dropout("trans_a_with_v") == 0.3


def test_without_the_attention_mask_the_modalities_may_be_padded_differently() -> None:
    model, batch = small("mult", attn_mask=False).eval(), tiny_batch(masks=True)
    longer = padded(batch, {Modality.TEXT: 1, Modality.AUDIO: 4})
    torch.testing.assert_close(model(longer).logits, model(batch).logits)
