"""The losses, against plain NumPy and against what follows from their equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_data import TASKS
from torch import Tensor

from causalmer_core.basics.task import TaskKind
from causalmer_core.method.effects import BranchLogits, Effects, effects
from causalmer_core.method.fusion import FUSIONS, fusion
from causalmer_core.method.losses import kl_loss, task_loss

EMOTIONS, CLASSES, REGRESSION = (TASKS[kind] for kind in TaskKind)
KEYS = st.integers(0, 2**32 - 1)
CONSTANTS = torch.tensor([0.4, -0.3, 0.2], dtype=torch.float64)


def drawn_effects(key: int, name: str, outputs: int, constants: Tensor = CONSTANTS) -> Effects:
    logits = torch.from_numpy(np.random.default_rng(key).normal(0, 2, (4, 5, outputs)))
    return effects(fusion(name), BranchLogits(*logits), constants)


def softmax(x: np.ndarray) -> np.ndarray:
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def kl_written_out(effect: Effects, groups: int) -> float:
    """The KL term with `groups` softmaxes side by side over the outputs."""

    def cross_entropy(p: Tensor, q: Tensor) -> float:
        p_rows, q_rows = (softmax(x.numpy().reshape(len(x), groups, -1)) for x in (p, q))
        return float(-(p_rows * np.log(q_rows)).sum(axis=-1).mean())

    t, a, v = effect.nde_text, effect.nde_audio, effect.nde_vision
    pairwise = cross_entropy(t, a) + cross_entropy(a, v) + cross_entropy(v, t)
    direct = sum(cross_entropy(effect.te, nde) for nde in (t, a, v))
    return cross_entropy(effect.te, effect.nde) + pairwise / 3 + direct


@pytest.mark.parametrize("name", FUSIONS)
@given(key=KEYS)
def test_the_kl_term_is_its_equation_on_either_axis(name: str, key: int) -> None:
    effect = drawn_effects(key, name, 8)
    assert kl_loss(EMOTIONS, effect, "flat").item() == pytest.approx(kl_written_out(effect, 1))
    assert kl_loss(EMOTIONS, effect, "per_emotion").item() == pytest.approx(kl_written_out(effect, 4))


@given(key=KEYS)
def test_for_classes_the_two_axes_are_one(key: int) -> None:
    effect = drawn_effects(key, "mask", 3)
    flat, per_emotion = (kl_loss(CLASSES, effect, axis).item() for axis in ("flat", "per_emotion"))
    assert flat == per_emotion == pytest.approx(kl_written_out(effect, 1))


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize(("axis", "classes"), [("flat", 8), ("per_emotion", 2)])
def test_the_kl_term_of_uniform_effects_is_five_ln_c(name: str, axis: str, classes: int) -> None:
    zeros = torch.zeros(6, 8, dtype=torch.float64)
    effect = effects(fusion(name), BranchLogits(zeros, zeros, zeros, zeros), CONSTANTS)
    start = kl_loss(EMOTIONS, effect, axis).item()
    assert start == pytest.approx(5 * math.log(classes))
    if axis == "flat":
        assert start == pytest.approx(10.397, abs=1e-3)


@pytest.mark.parametrize("name", FUSIONS)
@given(key=KEYS)
def test_with_one_output_the_kl_term_is_zero_and_teaches_the_constants_nothing(name: str, key: int) -> None:
    constants = CONSTANTS.clone().requires_grad_()
    loss = kl_loss(REGRESSION, drawn_effects(key, name, 1, constants), "per_emotion")
    loss.backward()
    assert loss.item() == 0
    assert constants.grad is not None
    assert not constants.grad.any()


@given(key=KEYS)
def test_in_tanh_mode_the_constants_get_no_gradient(key: int) -> None:
    constants = CONSTANTS.clone().requires_grad_()
    kl_loss(EMOTIONS, drawn_effects(key, "tanh", 8, constants), "per_emotion").backward()
    torch.testing.assert_close(constants.grad, torch.zeros_like(constants), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["sum", "hm", "mask"])
def test_elsewhere_every_constant_gets_gradient(name: str) -> None:
    constants = CONSTANTS.clone().requires_grad_()
    kl_loss(EMOTIONS, drawn_effects(2, name, 8, constants), "per_emotion").backward()
    assert constants.grad is not None
    assert (constants.grad.abs() > 1e-6).all()


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("axis", ["flat", "per_emotion"])
def test_the_kl_term_and_its_gradient_are_finite_for_logits_of_magnitude_100(name: str, axis: str) -> None:
    signs = torch.tensor(np.random.default_rng(0).choice([-100.0, 100.0], (4, 16, 8)), dtype=torch.float32)
    constants = torch.tensor([100.0, -100.0, 50.0], requires_grad=True)
    loss = kl_loss(EMOTIONS, effects(fusion(name), BranchLogits(*signs), constants), axis)
    loss.backward()
    assert loss.isfinite()
    assert constants.grad is not None
    assert constants.grad.isfinite().all()


@given(key=KEYS)
def test_the_task_losses_are_what_numpy_computes(key: int) -> None:
    rng = np.random.default_rng(key)
    rows = np.arange(7)

    logits, binary = rng.normal(0, 2, (7, 8)), rng.integers(0, 2, (7, 4))
    pairs = softmax(logits.reshape(28, 2))
    expected = -np.log(pairs[np.arange(28), binary.reshape(-1)]).mean()
    found = task_loss(EMOTIONS, torch.from_numpy(logits), torch.from_numpy(binary))
    assert found.item() == pytest.approx(expected)

    logits, classes = rng.normal(0, 2, (7, 3)), rng.integers(0, 3, 7)
    expected = -np.log(softmax(logits)[rows, classes]).mean()
    found = task_loss(CLASSES, torch.from_numpy(logits), torch.from_numpy(classes))
    assert found.item() == pytest.approx(expected)

    scores, targets = rng.normal(0, 2, (7, 1)), rng.normal(0, 2, 7)
    expected = np.abs(scores[:, 0] - targets).mean()
    found = task_loss(REGRESSION, torch.from_numpy(scores), torch.from_numpy(targets))
    assert found.item() == pytest.approx(expected)


def test_the_loss_of_one_score_is_one_distance_and_no_broadcast() -> None:
    assert task_loss(REGRESSION, torch.tensor([[1.5]]), torch.tensor([-1.0])).item() == pytest.approx(2.5)
