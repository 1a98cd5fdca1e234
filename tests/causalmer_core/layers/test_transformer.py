"""The transformer encoder: positions, masks, and what a step may see."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from causalmer_core.layers.transformer import Attention, TransformerEncoder, future_mask, sinusoidal_positions


def encoder(*, attn_mask: bool = True, dropout: float = 0.0, layers: int = 2) -> TransformerEncoder:
    torch.manual_seed(0)
    return TransformerEncoder(
        8,
        2,
        layers,
        attn_dropout=dropout,
        relu_dropout=dropout,
        res_dropout=dropout,
        embed_dropout=dropout,
        attn_mask=attn_mask,
    )


def sequence(length: int, *, key: int = 0) -> torch.Tensor:
    return torch.randn(3, length, 8, generator=torch.Generator().manual_seed(key))


@given(length=st.integers(1, 12), width=st.integers(4, 13))
def test_positions_are_sines_and_cosines_and_padding_gets_none(length: int, width: int) -> None:
    x = torch.ones(2, length, width)
    x[0, -1] = 0
    found = sinusoidal_positions(x)
    assert found.shape == x.shape
    half = width // 2
    for step in range(length):
        for i in range(half):
            angle = (step + 1) * 10000 ** (-i / (half - 1))
            assert found[1, step, i].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert found[1, step, half + i].item() == pytest.approx(math.cos(angle), abs=1e-5)
    assert not found[0, -1].any()
    assert not found[:, :, 2 * half :].any()


@pytest.mark.parametrize(
    ("queries", "keys", "allowed"),
    [(3, 3, ["100", "110", "111"]), (2, 4, ["1110", "1111"]), (4, 2, ["11", "11", "11", "11"])],
)
def test_a_query_sees_no_key_later_than_itself_and_the_difference_in_length(
    queries: int, keys: int, allowed: list[str]
) -> None:
    mask = future_mask(queries, keys, torch.device("cpu"))
    assert ["".join(str(int(cell)) for cell in row) for row in mask] == allowed


def test_attention_is_torch_s_own_with_the_same_weights() -> None:
    ours = Attention(8, 2, dropout=0.0)
    theirs = nn.MultiheadAttention(8, 2, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    query, source = sequence(4), sequence(6, key=1)
    mask = future_mask(4, 6, query.device)
    expected, _ = theirs(query, source, source, attn_mask=~mask)
    torch.testing.assert_close(ours(query, source, source, mask), expected)


@pytest.mark.parametrize("lengths", [(4, 4), (4, 7), (7, 4), (1, 5), (5, 1)])
@pytest.mark.parametrize("attn_mask", [True, False])
def test_the_length_is_the_queries_whatever_the_source_s(lengths: tuple[int, int], attn_mask: bool) -> None:
    x, source = sequence(lengths[0]), sequence(lengths[1], key=1)
    assert encoder(attn_mask=attn_mask)(x, source).shape == x.shape
    assert encoder(attn_mask=attn_mask)(x).shape == x.shape


def test_with_the_mask_a_step_does_not_depend_on_later_ones_and_without_it_does() -> None:
    x = sequence(6)
    later = x.clone()
    later[:, 4:] = sequence(2, key=5)
    masked, free = encoder(attn_mask=True).eval(), encoder(attn_mask=False).eval()
    torch.testing.assert_close(masked(x)[:, :4], masked(later)[:, :4])
    assert not torch.allclose(masked(x)[:, 4:], masked(later)[:, 4:])
    assert not torch.allclose(free(x)[:, :4], free(later)[:, :4])


def test_in_evaluation_a_sample_does_not_depend_on_the_others() -> None:
    model = encoder(dropout=0.5).eval()
    x, source = sequence(5), sequence(7, key=1)
    torch.testing.assert_close(model(x, source)[1:2], model(x[1:2], source[1:2]))


def test_dropout_acts_in_training_alone() -> None:
    model = encoder(dropout=0.3)
    x = sequence(5)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_gradient_reaches_every_parameter() -> None:
    model = encoder()
    model(sequence(5), sequence(7, key=1)).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert all(p.grad.any() for n, p in model.named_parameters() if "in_proj_bias" not in n)
