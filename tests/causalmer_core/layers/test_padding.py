"""Masks: what a convolution leaves of them, which step is the last, what is averaged, what may be attended to."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from causalmer_core.layers.padding import (
    attention_mask,
    averaged_to,
    convolved_mask,
    last_step,
    present_step_counts,
    without_padding,
)
from causalmer_core.layers.transformer import Attention, future_mask

STEPS = st.integers(1, 12)
CPU = torch.device("cpu")


@st.composite
def masks(draw: st.DrawFn, steps: int | None = None) -> Tensor:
    """Any steps there or not, in any sample, holes and empty samples among them."""
    width = draw(STEPS) if steps is None else steps
    rows = draw(st.lists(st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=5))
    return torch.tensor(rows)


@st.composite
def prefixes(draw: st.DrawFn) -> Tensor:
    """Masks as lengths give them, no length among them."""
    steps = draw(STEPS)
    lengths = draw(st.lists(st.integers(0, steps), min_size=1, max_size=5))
    return torch.arange(steps) < torch.tensor(lengths)[:, None]


def sequence_like(mask: Tensor, *, width: int = 3, key: int = 0) -> Tensor:
    return torch.randn(*mask.shape, width, generator=torch.Generator().manual_seed(key))


def there(x: Tensor, mask: Tensor, sample: int) -> Tensor:
    """The steps of a sample that are there, by plain selection; all of them where none is."""
    chosen = mask[sample] if mask[sample].any() else torch.ones_like(mask[sample])
    return x[sample, chosen]


# Behind a convolution


@given(mask=prefixes(), kernel=st.integers(1, 12))
def test_behind_a_convolution_a_step_is_there_where_its_whole_window_is(mask: Tensor, kernel: int) -> None:
    steps = mask.shape[1]
    kernel = min(kernel, steps)
    found = convolved_mask(mask, kernel)
    assert found is not None
    assert found.shape == (len(mask), steps - kernel + 1)
    for length, row in zip(mask.sum(dim=1).tolist(), found, strict=True):
        whole = max(length - kernel + 1, 0)
        kept = whole or min(length, steps - kernel + 1)
        assert row.tolist() == [step < kept for step in range(steps - kernel + 1)]


@given(mask=masks(), kernel=st.integers(1, 12))
def test_a_sample_with_any_step_keeps_one_behind_a_convolution_and_one_without_gets_none(
    mask: Tensor, kernel: int
) -> None:
    found = convolved_mask(mask, min(kernel, mask.shape[1]))
    assert found is not None
    assert found.any(dim=1).tolist() == mask.any(dim=1).tolist()


@given(mask=masks(), kernel=st.integers(1, 6))
def test_the_convolution_of_what_is_kept_sees_no_padding_where_a_whole_window_is_there(
    mask: Tensor, kernel: int
) -> None:
    kernel = min(kernel, mask.shape[1])
    found = convolved_mask(mask, kernel)
    assert found is not None
    holes = F.conv1d((~mask).float()[:, None], torch.ones(1, 1, kernel))[:, 0]
    enough = (holes == 0).any(dim=1)
    assert not (holes[enough] * found[enough]).any()


def test_without_a_mask_there_is_none_behind_a_convolution() -> None:
    assert convolved_mask(None, 3) is None


# One step of many


@given(mask=masks())
def test_the_last_step_is_the_last_that_is_there(mask: Tensor) -> None:
    x = sequence_like(mask)
    expected = torch.stack([there(x, mask, sample)[-1] for sample in range(len(mask))])
    assert torch.equal(last_step(x, mask), expected)
    assert torch.equal(last_step(x, None), x[:, -1])


@given(mask=masks())
def test_the_steps_that_are_there_are_counted_and_the_others_set_to_zero(mask: Tensor) -> None:
    x = sequence_like(mask)
    assert present_step_counts(x, mask).tolist() == [
        len(there(x, mask, sample)) for sample in range(len(mask))
    ]
    assert present_step_counts(x, None).tolist() == [x.shape[1]] * len(x)
    emptied = without_padding(x, mask)
    assert torch.equal(emptied[mask], x[mask])
    assert not emptied[~mask].any()
    assert without_padding(x, None) is x


# Averages in time


@given(mask=masks(), steps=st.integers(1, 12))
def test_averages_in_time_are_adaptive_pooling_of_the_steps_that_are_there(mask: Tensor, steps: int) -> None:
    x = sequence_like(mask)
    expected = torch.stack(
        [F.adaptive_avg_pool1d(there(x, mask, sample).T, steps).T for sample in range(len(mask))]
    )
    torch.testing.assert_close(averaged_to(x, mask, steps), expected)
    torch.testing.assert_close(
        averaged_to(x, None, steps), F.adaptive_avg_pool1d(x.transpose(1, 2), steps).transpose(1, 2)
    )


@given(mask=masks(), data=st.data())
def test_with_counts_each_sample_is_averaged_to_its_own_and_the_rest_is_zero(
    mask: Tensor, data: st.DataObject
) -> None:
    x = sequence_like(mask)
    steps = data.draw(STEPS)
    counts = data.draw(st.lists(st.integers(1, steps), min_size=len(x), max_size=len(x)))
    found = averaged_to(x, mask, steps, torch.tensor(counts))
    assert found.shape == (len(x), steps, 3)
    for sample, count in enumerate(counts):
        alone = F.adaptive_avg_pool1d(there(x, mask, sample).T, count).T
        torch.testing.assert_close(found[sample, :count], alone)
        assert not found[sample, count:].any()


@given(mask=masks())
def test_as_many_steps_as_there_are_stay_as_they_are(mask: Tensor) -> None:
    x = sequence_like(mask)
    torch.testing.assert_close(averaged_to(x, None, x.shape[1]), x)
    found = averaged_to(x, mask, x.shape[1], present_step_counts(x, mask))
    for sample in range(len(x)):
        kept = there(x, mask, sample)
        torch.testing.assert_close(found[sample, : len(kept)], kept)


# What may be attended to


@given(mask=masks(), queries=STEPS, future=st.booleans())
def test_no_query_is_left_without_a_key_and_none_sees_one_that_is_hidden_from_it(
    mask: Tensor, queries: int, future: bool
) -> None:
    steps = mask.shape[1]
    allowed = future_mask(queries, steps, CPU) if future else None
    found = attention_mask(mask, allowed)
    assert found is not None
    assert found.shape in {(len(mask), 1, queries, steps), (len(mask), 1, 1, steps)}
    found = found.expand(-1, 1, queries, steps)[:, 0]
    assert found.any(dim=2).all()
    visible = torch.ones(queries, steps, dtype=torch.bool) if allowed is None else allowed
    for sample, rows in enumerate(found):
        for query, row in enumerate(rows):
            both = visible[query] & mask[sample]
            assert torch.equal(row, both if both.any() else visible[query])


@given(mask=masks(), queries=STEPS, future=st.booleans())
def test_attention_under_such_a_mask_is_finite(mask: Tensor, queries: int, future: bool) -> None:
    torch.manual_seed(0)
    attention = Attention(4, 2, 0.0)
    keys = sequence_like(mask, width=4)
    query = torch.randn(len(mask), queries, 4)
    allowed = future_mask(queries, mask.shape[1], CPU) if future else None
    assert attention(query, keys, keys, attention_mask(mask, allowed)).isfinite().all()


@pytest.mark.parametrize("allowed", [None, future_mask(2, 3, CPU)])
def test_without_a_mask_of_keys_what_is_allowed_stays(allowed: Tensor | None) -> None:
    assert attention_mask(None, allowed) is allowed
