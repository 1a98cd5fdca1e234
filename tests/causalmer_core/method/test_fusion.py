"""The contract of a fusion strategy, for every one that is registered."""

from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from causalmer_core.basics.errors import UserError
from causalmer_core.method.fusion import FUSIONS, fusion

EVERY = pytest.mark.parametrize("name", FUSIONS)
KEYS = st.integers(0, 2**32 - 1)


def drawn(key: int, scale: float = 3.0) -> list[Tensor]:
    return list(torch.from_numpy(np.random.default_rng(key).normal(0, scale, (4, 5, 6))))


def logistic(x: Tensor) -> Tensor:
    return 1 / (1 + (-x).exp())


WRITTEN_OUT = {
    "sum": lambda m, t, a, v: logistic(m + t + a + v).log(),
    "hm": lambda m, t, a, v: ((p := logistic(m) * logistic(t) * logistic(a) * logistic(v)) / (1 + p)).log(),
    "tanh": lambda m, t, a, v: m + torch.tanh(t) + torch.tanh(a) + torch.tanh(v),
    "mask": lambda m, t, a, v: m * logistic(t + a + v),
}


@EVERY
@given(key=KEYS)
def test_a_strategy_computes_its_equation(name: str, key: int) -> None:
    logits = drawn(key)
    torch.testing.assert_close(fusion(name)(*logits), WRITTEN_OUT[name](*logits))


@EVERY
@given(key=KEYS)
def test_the_unimodal_branches_are_treated_alike(name: str, key: int) -> None:
    z_m, *branches = drawn(key)
    expected = fusion(name)(z_m, *branches)
    for shuffled in permutations(branches):
        torch.testing.assert_close(fusion(name)(z_m, *shuffled), expected)


@EVERY
@given(key=KEYS, constant=st.floats(-5, 5))
def test_a_scalar_broadcasts_like_the_full_tensor_of_it(name: str, key: int, constant: float) -> None:
    z_m, z_t, z_a, _ = drawn(key)
    scalar = torch.tensor(constant, dtype=torch.float64)
    full = torch.full_like(z_m, constant)
    assert torch.equal(fusion(name)(z_m, z_t, z_a, scalar), fusion(name)(z_m, z_t, z_a, full))


@EVERY
@pytest.mark.parametrize("magnitude", [0.0, 100.0, 1e4])
def test_values_and_gradients_are_finite_for_large_logits_of_every_sign(name: str, magnitude: float) -> None:
    signs = torch.tensor(list(product([-1.0, 1.0], repeat=4))).T
    logits = [(magnitude * column).requires_grad_() for column in signs]
    fused = fusion(name)(*logits)
    fused.sum().backward()
    assert fused.isfinite().all()
    assert all(z.grad is not None and z.grad.isfinite().all() for z in logits)


@pytest.mark.parametrize("name", ["sum", "hm"])
@given(key=KEYS)
def test_sum_and_hm_are_at_most_zero(name: str, key: int) -> None:
    assert (fusion(name)(*drawn(key, scale=50)) <= 0).all()


@EVERY
def test_every_branch_reaches_the_fused_logit(name: str) -> None:
    logits = [z.requires_grad_() for z in drawn(7)]
    fusion(name)(*logits).sum().backward()
    assert all(z.grad is not None and (z.grad != 0).all() for z in logits)


@pytest.mark.parametrize("name", ["sum", "hm"])
@given(key=KEYS)
def test_the_published_form_is_the_log_space_form_but_for_a_bias_inside_the_logarithm(
    name: str, key: int
) -> None:
    logits = drawn(key, scale=1.0)
    torch.testing.assert_close(
        fusion(name, "published")(*logits), fusion(name)(*logits), rtol=1e-5, atol=1e-7
    )
    low = [torch.tensor(-100.0)] * 4
    assert fusion(name, "published")(*low).item() == pytest.approx(math.log(1e-12), rel=1e-4)
    assert fusion(name)(*low).item() == pytest.approx(-400, rel=1e-4)


@pytest.mark.parametrize("name", ["tanh", "mask"])
def test_a_strategy_without_logarithms_has_one_form(name: str) -> None:
    logits = drawn(0)
    assert torch.equal(fusion(name, "published")(*logits), fusion(name)(*logits))


def test_an_unknown_strategy_is_an_error_that_names_the_allowed_and_the_likely_one() -> None:
    with pytest.raises(UserError, match=r"'maks'; allowed: hm, mask, sum, tanh \(did you mean 'mask'\?\)"):
        fusion("maks")
