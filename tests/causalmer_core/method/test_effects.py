"""What follows from the equations of the effects, for every fusion strategy."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from causalmer_core.method.effects import BranchLogits, Effects, effects, stacked
from causalmer_core.method.fusion import FUSIONS, fusion

EVERY = pytest.mark.parametrize("name", FUSIONS)
KEYS = st.integers(0, 2**32 - 1)
CONSTANT = st.floats(-3, 3)
CONSTANTS = st.tuples(CONSTANT, CONSTANT, CONSTANT)
WEIGHT = st.floats(0, 4)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def drawn(key: int) -> list[Tensor]:
    return list(torch.from_numpy(np.random.default_rng(key).normal(0, 2, (4, 5, 6))))


def found(name: str, key: int, constants: tuple[float, float, float]) -> Effects:
    return effects(fusion(name), BranchLogits(*drawn(key)), tensor(*constants))


@EVERY
@given(key=KEYS, constants=CONSTANTS)
def test_at_weight_one_the_tie_is_the_total_effect_less_every_direct_effect(
    name: str, key: int, constants: tuple[float, float, float]
) -> None:
    effect = found(name, key, constants)
    torch.testing.assert_close(effect.tie(), effect.te - effect.nde)
    torch.testing.assert_close(effect.nde, effect.nde_text + effect.nde_audio + effect.nde_vision)


@EVERY
@given(key=KEYS, constants=CONSTANTS, w_t=WEIGHT, w_a=WEIGHT, w_v=WEIGHT)
def test_each_weight_takes_its_own_direct_effect_out(
    name: str, key: int, constants: tuple[float, float, float], w_t: float, w_a: float, w_v: float
) -> None:
    effect = found(name, key, constants)
    torch.testing.assert_close(effect.tie((0.0, 0.0, 0.0)), effect.te)
    expected = effect.te - w_t * effect.nde_text - w_a * effect.nde_audio - w_v * effect.nde_vision
    torch.testing.assert_close(effect.tie((w_t, w_a, w_v)), expected)


@EVERY
@given(key=KEYS, constants=CONSTANTS)
def test_permuting_the_modalities_permutes_the_direct_effects_and_leaves_the_rest(
    name: str, key: int, constants: tuple[float, float, float]
) -> None:
    z_m, *branches = drawn(key)
    plain = effects(fusion(name), BranchLogits(z_m, *branches), tensor(*constants))
    direct = (plain.nde_text, plain.nde_audio, plain.nde_vision)
    for order in permutations(range(3)):
        moved = effects(
            fusion(name),
            BranchLogits(z_m, *(branches[i] for i in order)),
            tensor(*(constants[i] for i in order)),
        )
        for nde, source in zip((moved.nde_text, moved.nde_audio, moved.nde_vision), order, strict=True):
            torch.testing.assert_close(nde, direct[source])
        torch.testing.assert_close(moved.te, plain.te)
        torch.testing.assert_close(moved.tie(), plain.tie())


@EVERY
@given(key=KEYS, constants=CONSTANTS)
def test_a_branch_equal_to_its_constant_has_a_direct_effect_without_information(
    name: str, key: int, constants: tuple[float, float, float]
) -> None:
    """With F(x) = z(x, x, x, x) it is F(c_k) - F(c_t + c_a + c_v): one number for all classes and samples."""
    z_m, z_t, _, z_v = drawn(key)
    fuse = fusion(name)
    c = tensor(*constants)
    effect = effects(fuse, BranchLogits(z_m, z_t, torch.full_like(z_t, constants[1]), z_v), c)
    alone, none = c[1], c.sum()
    expected = fuse(alone, alone, alone, alone) - fuse(none, none, none, none)
    torch.testing.assert_close(effect.nde_audio, expected.expand_as(z_t))


@EVERY
@given(key=KEYS, constant=CONSTANT, other=CONSTANT)
def test_a_branch_equal_to_its_constant_has_direct_effect_zero_where_the_other_constants_cancel(
    name: str, key: int, constant: float, other: float
) -> None:
    z_m, _, z_a, z_v = drawn(key)
    logits = BranchLogits(z_m, torch.full_like(z_a, constant), z_a, z_v)
    effect = effects(fusion(name), logits, tensor(constant, other, -other))
    torch.testing.assert_close(effect.nde_text, torch.zeros_like(z_a), rtol=0, atol=1e-12)


@EVERY
@given(key=KEYS, constants=CONSTANTS)
def test_the_no_treatment_term_is_one_number_and_moves_no_argmax(
    name: str, key: int, constants: tuple[float, float, float]
) -> None:
    effect = found(name, key, constants)
    assert effect.none.ndim == 0
    torch.testing.assert_close(effect.te + effect.none, effect.factual)
    assert torch.equal(effect.te.argmax(-1), effect.factual.argmax(-1))


@given(key=KEYS)
def test_in_mask_mode_with_constants_zero_debiasing_is_a_no_op(key: int) -> None:
    effect = found("mask", key, (0.0, 0.0, 0.0))
    assert not effect.nde_text.any()
    assert not effect.nde_audio.any()
    assert not effect.nde_vision.any()
    assert torch.equal(effect.tie(), effect.factual)


@given(key=KEYS, constants=CONSTANTS)
def test_in_tanh_mode_the_tie_is_the_backbone_s_logit_plus_one_number(
    key: int, constants: tuple[float, float, float]
) -> None:
    effect = found("tanh", key, constants)
    z_m = drawn(key)[0]
    shift = effect.tie() - z_m
    torch.testing.assert_close(shift, shift[0, 0].expand_as(shift))
    assert torch.equal(effect.tie().argmax(-1), z_m.argmax(-1))


@given(key=KEYS, constants=CONSTANTS)
def test_in_tanh_mode_the_constants_cancel_in_every_softmax(
    key: int, constants: tuple[float, float, float]
) -> None:
    with_constants = stacked(found("tanh", key, constants)).softmax(-1)
    without = stacked(found("tanh", key, (0.0, 0.0, 0.0))).softmax(-1)
    torch.testing.assert_close(with_constants, without)


@EVERY
def test_the_total_effect_does_not_read_the_constants_of_single_branches(name: str) -> None:
    one, other = (found(name, 3, c) for c in ((0.5, -0.2, 0.1), (0.1, 0.3, 0.0)))
    torch.testing.assert_close(one.te, other.te)
    assert not torch.allclose(one.nde_text, other.nde_text)


@EVERY
def test_gradients_reach_constants_alone_when_the_logits_are_detached(name: str) -> None:
    branches = [z.requires_grad_() for z in drawn(5)]
    constants = tensor(0.3, -0.4, 0.2).requires_grad_()
    effect = effects(fusion(name), BranchLogits(*branches).detach(), constants)
    stacked(effect).square().sum().backward()
    assert constants.grad is not None
    assert constants.grad.all()
    assert all(z.grad is None for z in branches)


@EVERY
def test_gradients_reach_logits_alone_when_the_constants_are_detached(name: str) -> None:
    branches = [z.requires_grad_() for z in drawn(5)]
    constants = tensor(0.3, -0.4, 0.2).requires_grad_()
    effects(fusion(name), BranchLogits(*branches), constants.detach()).tie((2.0, 3.0, 4.0)).sum().backward()
    assert constants.grad is None
    assert all(z.grad is not None and z.grad.any() for z in branches)


@EVERY
def test_a_direct_effect_reads_its_own_branch_and_no_other(name: str) -> None:
    branches = [z.requires_grad_() for z in drawn(5)]
    effect = effects(fusion(name), BranchLogits(*branches), tensor(0.3, -0.4, 0.2))
    for index, nde in enumerate((effect.nde_text, effect.nde_audio, effect.nde_vision), start=1):
        gradients = torch.autograd.grad(nde.sum(), branches, allow_unused=True)
        assert [g is not None for g in gradients] == [position == index for position in range(4)]


def test_the_stack_is_te_nde_and_the_three_direct_effects() -> None:
    effect = found("hm", 1, (0.1, 0.2, 0.3))
    te, nde, text, audio, vision = stacked(effect)
    assert torch.equal(te, effect.te)
    assert torch.equal(nde, effect.nde)
    assert torch.equal(text, effect.nde_text)
    assert torch.equal(audio, effect.nde_audio)
    assert torch.equal(vision, effect.nde_vision)
