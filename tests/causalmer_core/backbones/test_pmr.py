"""The PMR backbone beyond what every backbone promises: its units against their equations, its hub, its scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny_backbones import built, copied, padded, small, small_config, tiny_batch, tiny_shape
from torch import Tensor, nn

from causalmer_core.backbones.pmr import ORDER, PMRLayer, joined_masks
from causalmer_core.backbones.pmr_units import Gate, MessageUpdateUnit, ReinforcementUnit
from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.config.backbone_config import PMRConfig
from causalmer_core.layers.padding import averaged_to
from causalmer_core.layers.transformer import Attention

STEPS = {Modality.TEXT: 2, Modality.VISION: 4, Modality.AUDIO: 3}
HUB = sum(STEPS.values())


def config(**changes: Any) -> PMRConfig:
    found = small_config("pmr", dropout=False, **changes)
    assert isinstance(found, PMRConfig)
    return found


def fresh(make: type[nn.Module], *arguments: Any) -> Any:
    """A module whose every parameter is random, biases and norms too."""
    with drawing_from(0, "init"):
        module = make(*arguments)
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.4)
    return module


def sequence(steps: int, key: int) -> Tensor:
    return torch.randn(5, steps, 8, generator=torch.Generator().manual_seed(key))


def sequences() -> dict[Modality, Tensor]:
    return {m: sequence(steps, key) for key, (m, steps) in enumerate(STEPS.items())}


def torch_attention(ours: Attention, query: Tensor, key: Tensor, there: Tensor | None) -> Tensor:
    """The same by torch's own module with our weights."""
    theirs = nn.MultiheadAttention(8, ours.heads, batch_first=True).eval()
    theirs.load_state_dict(ours.state_dict())
    found: Tensor = theirs(query, key, key, key_padding_mask=None if there is None else ~there)[0]
    return found


def feed_forward(module: Any, x: Tensor) -> Tensor:
    return x + module.fc2(torch.relu(module.fc1(module.norm(x))))


# The units


def test_the_gate_mixes_own_and_message_by_a_logistic_function_of_both() -> None:
    gate = fresh(Gate, 8)
    own, message = sequence(3, 0), sequence(3, 1)
    g = 1 / (1 + torch.exp(-(own @ gate.own.weight.T + message @ gate.message.weight.T + gate.own.bias)))
    torch.testing.assert_close(gate(own, message), g * own + (1 - g) * message)
    assert not torch.allclose(gate(own, message), gate(message, own))


@pytest.mark.parametrize(("bias", "share"), [(60.0, 1.0), (-60.0, 0.0), (0.0, 0.5)])
def test_an_open_gate_gives_its_own_and_a_shut_one_the_message(bias: float, share: float) -> None:
    gate = Gate(8)
    with torch.no_grad():
        gate.own.weight.zero_()
        gate.message.weight.zero_()
        gate.own.bias.fill_(bias)
    own, message = sequence(3, 0), sequence(3, 1)
    torch.testing.assert_close(gate(own, message), share * own + (1 - share) * message)


@pytest.mark.parametrize("masked", [False, True])
def test_a_reinforcement_unit_is_its_equations(masked: bool) -> None:
    unit = fresh(ReinforcementUnit, config())
    x, source = sequence(4, 0), sequence(3, 1)
    there = torch.arange(4) < torch.tensor([4, 1, 2, 3, 4])[:, None] if masked else None
    source_there = torch.arange(3) < torch.tensor([1, 3, 2, 3, 2])[:, None] if masked else None
    query, key = unit.norm(x), unit.source_norm(source)
    own = torch_attention(unit.self_attention, query, query, there)
    message = torch_attention(unit.cross_attention, query, key, source_there)
    expected = feed_forward(unit.feed_forward, x + unit.gate(own, message))
    torch.testing.assert_close(unit(x, source, there, source_there), expected)


def test_the_hub_is_mixed_by_the_softmax_of_the_scores_of_three_units() -> None:
    unit = fresh(MessageUpdateUnit, config(), ORDER, HUB)
    hub, found = sequence(HUB, 9), sequences()
    masks = dict.fromkeys(ORDER)
    z = [unit.units[m.value](hub, found[m], None, None) for m in ORDER]
    scores = [
        torch.tanh(x.flatten(1) @ unit.score_hidden.weight.T + unit.score_hidden.bias) @ unit.score.weight[0]
        for x in z
    ]
    weights = [torch.exp(s) / sum(torch.exp(other) for other in scores) for s in scores]
    mixed = sum(w[:, None, None] * x for w, x in zip(weights, z, strict=True))
    torch.testing.assert_close(unit(hub, found, None, masks), feed_forward(unit.feed_forward, mixed))
    assert min(w.std().item() for w in weights) > 0.01


@pytest.mark.parametrize("modality", ORDER)
def test_each_modality_reaches_the_hub_through_a_unit_of_its_own(modality: Modality) -> None:
    unit = fresh(MessageUpdateUnit, config(), ORDER, 3)
    hub, found, masks = sequence(HUB, 9), sequences(), dict.fromkeys(ORDER)
    before = unit(hub, found, None, masks)
    assert not torch.allclose(
        before, unit(hub, {**found, modality: sequence(STEPS[modality], 7)}, None, masks)
    )
    with torch.no_grad():
        unit.units[modality.value].cross_attention.out_proj.weight.zero_()
        unit.units[modality.value].cross_attention.out_proj.bias.zero_()
    silent = unit(hub, found, None, masks)
    assert torch.equal(silent, unit(hub, {**found, modality: sequence(STEPS[modality], 7)}, None, masks))
    other = next(m for m in ORDER if m is not modality)
    assert not torch.allclose(silent, unit(hub, {**found, other: sequence(STEPS[other], 7)}, None, masks))


def test_equal_scores_give_the_mean_of_the_units() -> None:
    unit = fresh(MessageUpdateUnit, config(), ORDER, 3)
    nn.init.zeros_(unit.score.weight)
    hub, found, masks = sequence(HUB, 9), sequences(), dict.fromkeys(ORDER)
    mean = sum(unit.units[m.value](hub, found[m], None, None) for m in ORDER) / 3
    torch.testing.assert_close(unit(hub, found, None, masks), feed_forward(unit.feed_forward, mean))


def test_a_layer_reinforces_the_modalities_by_the_hub_and_then_the_hub_by_them() -> None:
    layer = fresh(PMRLayer, config(), 3)
    hub, found, masks = sequence(HUB, 9), sequences(), dict.fromkeys(ORDER)
    next_hub, reinforced = layer(hub, found, None, masks)
    for m in ORDER:
        torch.testing.assert_close(reinforced[m], layer.units[m.value](found[m], hub, None, None))
    torch.testing.assert_close(next_hub, layer.update(hub, reinforced, None, masks))
    assert not torch.allclose(next_hub, layer.update(hub, found, None, masks))


# The scores


@pytest.mark.parametrize(
    ("asked", "lengths", "scored"),
    [
        (3, (5, 8, 7), 3),
        (50, (5, 8, 7), 5 + (8 - 2) + 7),  # the audio's convolution is 3 wide
        (18, (5, 8, 7), 18),
        (19, (5, 8, 7), 18),
        (8, (50, 500, 500), 8),
    ],
)
def test_the_score_map_sees_so_many_steps_of_the_hub_and_no_more_than_there_are(
    asked: int, lengths: tuple[int, ...], scored: int
) -> None:
    shape = tiny_shape(lengths=dict(zip(MODALITIES, lengths, strict=True)))
    model = built(config(score_steps=asked), shape)
    assert model.get_submodule("layers.0.update.score_hidden").weight.shape == (8 * scored, 8 * scored)


def test_a_longer_hub_is_averaged_in_time_before_it_is_scored() -> None:
    unit = fresh(MessageUpdateUnit, config(), ORDER, 3)
    z = sequence(9, 4)
    means = z.unflatten(1, (3, 3)).mean(dim=2)
    hidden = torch.tanh(unit.score_hidden(means.flatten(1)))
    torch.testing.assert_close(unit._score(z, None), (hidden @ unit.score.weight.T)[:, 0])
    there = torch.arange(9) < torch.tensor([9, 6, 3, 1, 2])[:, None]
    masked = unit._score(z, there)
    torch.testing.assert_close(masked[:1], unit._score(z, None)[:1])
    for sample, steps in ((1, 6), (2, 3), (3, 1), (4, 2)):
        alone = unit._score(z[sample : sample + 1, :steps], None)
        torch.testing.assert_close(masked[sample : sample + 1], alone)


# The whole


def test_the_hub_is_text_then_vision_then_audio_and_its_mask_theirs() -> None:
    assert ORDER == (Modality.TEXT, Modality.VISION, Modality.AUDIO)
    text, audio = sequence(2, 0), sequence(3, 1)
    mask = torch.arange(3) < torch.tensor([0, 1, 2, 3, 3])[:, None]
    found = joined_masks([(text, None), (audio, mask)])
    assert found is not None
    assert found.tolist() == [[True, True, *row] for row in mask.tolist()]
    assert joined_masks([(text, None), (audio, None)]) is None


def test_the_last_transformer_reads_hub_text_vision_audio_and_its_last_step_that_is_there_is_the_features() -> (
    None
):
    model, batch = small("pmr", dropout=False), tiny_batch(masks=True)
    rounds: list[tuple[Tensor, dict[Modality, Tensor]]] = []
    read: list[Tensor] = []
    states: list[Tensor] = []
    model.get_submodule("layers.0").register_forward_hook(lambda *call: rounds.append(call[2]))
    model.get_submodule("head_layers.0").register_forward_pre_hook(lambda *call: read.append(call[1][0]))
    model.get_submodule("head_norm").register_forward_hook(lambda *call: states.append(call[2]))
    output = model(batch)
    hub, found = rounds[0]
    assert torch.equal(read[0], torch.cat([hub, *(found[m] for m in ORDER)], dim=1))
    audio = states[0][:, -6:]
    last = batch.masks[Modality.AUDIO].sum(dim=1) - 2 - 1  # its convolution is 3 wide
    assert torch.equal(output.features, torch.stack([audio[i, last[i]] for i in range(6)]))


def test_every_unit_of_every_layer_has_its_own_parameters_and_training_changes_them_all() -> None:
    model = small("pmr", dropout=False, layers=2, head_layers=2)
    units = {n: m for n, m in model.named_modules() if isinstance(m, ReinforcementUnit | MessageUpdateUnit)}
    kinds = [type(unit) for unit in units.values()]
    assert (kinds.count(ReinforcementUnit), kinds.count(MessageUpdateUnit)) == (2 * (3 + 3), 2)
    own = [id(p) for unit in units.values() if isinstance(unit, ReinforcementUnit) for p in unit.parameters()]
    assert len(set(own)) == len(own) == 12 * len(list(next(iter(units.values())).parameters()))
    fresh_tensors = copied(model)
    start = [
        fresh_tensors[f"{n}.gate.own.weight"] for n, u in units.items() if isinstance(u, ReinforcementUnit)
    ]
    assert not any(torch.equal(a, b) for i, a in enumerate(start) for b in start[:i])
    optimiser = torch.optim.SGD(
        model.parameters(), lr=0.1
    )  # unlike Adam's, its steps are as small as the gradient
    for _ in range(3):
        optimiser.zero_grad()
        model(tiny_batch(masks=True)).logits.square().sum().backward()
        assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
        optimiser.step()
    assert [n for n, t in copied(model).items() if torch.equal(t, fresh_tensors[n])] == []


@pytest.mark.parametrize("steps", [(1, 0, 6), (9, 2, 0)])
def test_modalities_may_be_padded_by_different_lengths(steps: tuple[int, ...]) -> None:
    model, batch = small("pmr").eval(), tiny_batch(masks=True)
    longer = padded(batch, dict(zip(MODALITIES, steps, strict=True)))
    torch.testing.assert_close(model(longer).logits, model(batch).logits)


def test_a_modality_without_a_mask_is_there_throughout() -> None:
    model, batch = small("pmr").eval(), tiny_batch(masks=True)
    some = {m: mask for m, mask in batch.masks.items() if m is not Modality.VISION}
    whole = {**some, Modality.VISION: torch.ones(6, 7, dtype=torch.bool)}
    found = model(replace(batch, masks=some)).logits
    torch.testing.assert_close(found, model(replace(batch, masks=whole)).logits)
    assert not torch.allclose(found, model(batch).logits)


def test_it_takes_other_lengths_than_it_was_built_for() -> None:
    shape = tiny_shape(lengths={Modality.TEXT: 11, Modality.AUDIO: 4, Modality.VISION: 20})
    model = small("pmr").eval()
    assert model(tiny_batch(shape)).logits.isfinite().all()
    assert averaged_to(sequence(2, 0), None, 3).shape == (5, 3, 8)
