"""The recurrent baselines beyond what every backbone promises: which states predict, and what stands side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_backbones import built, padded, small, small_config, tiny_batch, tiny_shape
from tiny_data import WIDTHS
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from causalmer_core.backbones.recurrent import side_by_side
from causalmer_core.basics.modality import MODALITIES, Batch, Modality


def final_state(lstm: nn.Module, x: Tensor, lengths: Tensor) -> Tensor:
    """The last layer's last state over packed sequences: torch's own account of lengths."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    _, (hidden, _) = lstm(packed)
    found: Tensor = hidden[-1]
    return found


def counted(values: list[list[float]]) -> Tensor:
    """Samples of steps of one channel."""
    return torch.tensor(values, dtype=torch.float32)[:, :, None]


def mask(*lengths: int, steps: int) -> Tensor:
    return torch.arange(steps) < torch.tensor(lengths)[:, None]


# Early fusion


def test_longer_modalities_are_averaged_to_the_steps_of_the_shortest() -> None:
    batch = Batch(
        text=counted([[1, 2]]),
        audio=counted([[1, 3, 5, 9]]),
        vision=counted([[3, 0, 6]]),
        labels=torch.zeros(1),
    )
    x, there = side_by_side(batch)
    assert x.tolist() == [[[1, 2, 1.5], [2, 7, 3]]]
    assert there.tolist() == [[True, True]]


def test_with_masks_each_sample_has_the_steps_of_its_own_shortest_modality() -> None:
    batch = Batch(
        text=counted([[1, 2, 99], [1, 2, 3], [5, 99, 99]]),
        audio=counted([[1, 3, 5, 9, 99], [1, 2, 3, 99, 99], [2, 4, 99, 99, 99]]),
        vision=counted([[3, 0, 6, 99], [4, 6, 8, 10], [1, 2, 3, 6]]),
        labels=torch.zeros(3),
        masks={
            Modality.TEXT: mask(2, 3, 1, steps=3),
            Modality.AUDIO: mask(4, 3, 2, steps=5),
            Modality.VISION: mask(3, 4, 4, steps=4),
        },
    )
    x, there = side_by_side(batch)
    assert there.tolist() == [[True, True, False], [True, True, True], [True, False, False]]
    expected = [
        [[1, 2, 1.5], [2, 7, 3], [0, 0, 0]],
        [[1, 1, 5], [2, 2, 7], [3, 3, 9]],
        [[5, 3, 3], [0, 0, 0], [0, 0, 0]],
    ]
    torch.testing.assert_close(x, torch.tensor(expected, dtype=torch.float32))


def test_modalities_of_one_length_stand_side_by_side_as_they_are() -> None:
    batch = tiny_batch(tiny_shape(lengths=dict.fromkeys(MODALITIES, 6)))
    x, there = side_by_side(batch)
    torch.testing.assert_close(x, torch.cat([batch.text, batch.audio, batch.vision], dim=2))
    assert there.all()


@pytest.mark.parametrize("layers", [1, 2])
def test_early_fusion_predicts_from_the_last_common_step(layers: int) -> None:
    model, batch = small("early_fusion_lstm", layers=layers).eval(), tiny_batch(masks=True)
    x, there = side_by_side(batch)
    expected = final_state(model.get_submodule("lstm.lstm"), x, there.sum(dim=1))
    torch.testing.assert_close(model(batch).features, expected)


# Late fusion and one modality


@pytest.mark.parametrize("layers", [1, 2])
def test_late_fusion_predicts_from_the_last_states_side_by_side(layers: int) -> None:
    model, batch = small("late_fusion_lstm", layers=layers).eval(), tiny_batch(masks=True)
    output = model(batch)
    states = [
        final_state(model.get_submodule(f"lstms.{m}.lstm"), batch[m], batch.masks[m].sum(dim=1))
        for m in MODALITIES
    ]
    torch.testing.assert_close(output.features, torch.cat(states, dim=1))
    torch.testing.assert_close(output.logits, model.get_submodule("head.linear")(output.features))


@pytest.mark.parametrize("modality", MODALITIES)
def test_unimodal_predicts_from_its_modality_and_looks_at_no_other(modality: Modality) -> None:
    model, batch = small("unimodal", modality=modality.value).eval(), tiny_batch(masks=True)
    output = model(batch)
    expected = final_state(
        model.get_submodule("lstm.lstm"), batch[modality], batch.masks[modality].sum(dim=1)
    )
    torch.testing.assert_close(output.features, expected)
    others = [m for m in MODALITIES if m is not modality]
    nothing = batch.replaced({m: torch.full_like(batch[m], torch.nan) for m in others})
    blind = replace(nothing, masks={m: ~x if m in others else x for m, x in batch.masks.items()})
    assert torch.equal(model(blind).logits, output.logits)
    assert not torch.allclose(model(batch.without([modality])).logits, output.logits)


def test_unimodal_has_no_parameters_for_the_other_modalities() -> None:
    def parameters(widths: dict[Modality, int]) -> int:
        model = built(small_config("unimodal", modality="audio"), tiny_shape(widths=widths))
        return sum(p.numel() for p in model.parameters())

    assert parameters({**WIDTHS, Modality.TEXT: 300, Modality.VISION: 99}) == parameters(WIDTHS)
    assert parameters({**WIDTHS, Modality.AUDIO: WIDTHS[Modality.AUDIO] + 1}) == parameters(WIDTHS) + 4 * 8


@pytest.mark.parametrize("name", ["early_fusion_lstm", "late_fusion_lstm", "unimodal"])
@pytest.mark.parametrize("steps", [(1, 0, 6), (9, 2, 0)])
def test_modalities_may_be_padded_by_different_lengths(name: str, steps: tuple[int, ...]) -> None:
    model, batch = small(name).eval(), tiny_batch(masks=True)
    longer = padded(batch, dict(zip(MODALITIES, steps, strict=True)))
    torch.testing.assert_close(model(longer).logits, model(batch).logits)


@pytest.mark.parametrize("name", ["early_fusion_lstm", "late_fusion_lstm", "unimodal"])
def test_dropout_acts_between_the_features_and_the_logits(name: str) -> None:
    model, batch = small(name, out_dropout=0.5), tiny_batch()
    first, second = model(batch), model(batch)
    assert torch.equal(first.features, second.features)
    assert not torch.equal(first.logits, second.logits)
