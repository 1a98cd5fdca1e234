"""Padding inside batches: masks that say which steps are there, and what layers do with them.

A mask is `(batch, steps)`, true where a step is there; no mask means that all are. Masks come from the lengths that a
data set has (`datasets.base.Split.lengths`); whether steps of zeros are padding is not guessed.
"""

from __future__ import annotations

import torch
from torch import Tensor


def without_padding(x: Tensor, mask: Tensor | None) -> Tensor:
    """`x (batch, steps, width)` with the steps that are not there set to 0."""
    return x if mask is None else x.masked_fill(~mask[:, :, None], 0.0)


def convolved_mask(mask: Tensor | None, kernel: int) -> Tensor | None:
    """The mask after a convolution of width `kernel` without padding, `(batch, steps - kernel + 1)`.

    A step is there where its whole window is; a sample shorter than the window keeps the steps whose window holds
    any of it, so that nothing that is there is lost.
    """
    if mask is None or kernel == 1:
        return mask
    windows = mask.unfold(1, kernel, 1)
    whole = windows.all(dim=2)
    return torch.where(whole.any(dim=1, keepdim=True), whole, windows.any(dim=2))


def last_step(x: Tensor, mask: Tensor | None) -> Tensor:
    """The last step that is there, `(batch, width)` of `x (batch, steps, width)`; without any, the last of all."""
    if mask is None:
        return x[:, -1]
    steps = torch.arange(1, x.shape[1] + 1, device=x.device)
    last = (mask * steps).amax(dim=1)
    index = torch.where(last > 0, last, x.shape[1]) - 1
    return x[torch.arange(len(x), device=x.device), index]


def steps_there(x: Tensor, mask: Tensor | None) -> Tensor:
    """How many steps of `x (batch, steps, width)` are there, `(batch,)`; without any, all count."""
    if mask is None:
        return torch.full((len(x),), x.shape[1], device=x.device)
    return _or_all(mask).sum(dim=1)


def averaged_to(x: Tensor, mask: Tensor | None, steps: int, counts: Tensor | None = None) -> Tensor:
    """The steps that are there, averaged in time to other steps, `(batch, steps, width)`.

    Of n steps that are there, step s of c is the mean over those from `floor(s n / c)` to below `ceil((s + 1) n / c)`,
    as in `adaptive_avg_pool1d`: with `c = n` nothing changes, with more than n steps are repeated.

    Args:
        x: `(batch, any number of steps, width)`.
        mask: which of them are there.
        steps: how many there are afterwards.
        counts: `(batch,)`, the c of each sample, at most `steps`, which stands for none; steps beyond it are 0.
    """
    present = torch.ones_like(x[:, :, 0], dtype=torch.bool) if mask is None else _or_all(mask)
    there = present.sum(dim=1)[:, None]
    wanted = torch.full_like(there, steps) if counts is None else counts[:, None]
    step = torch.arange(steps, device=x.device)
    first = step * there // wanted
    past = ((step + 1) * there + wanted - 1) // wanted
    rank = (present.cumsum(dim=1) - 1)[:, None, :]
    window = present[:, None, :] & (rank >= first[:, :, None]) & (rank < past[:, :, None])
    weights = window.to(x.dtype) / window.sum(dim=2, keepdim=True).clamp(min=1)
    return weights @ x


def attention_mask(keys: Tensor | None, allowed: Tensor | None) -> Tensor | None:
    """Which keys each query may attend to, for `scaled_dot_product_attention`.

    Args:
        keys: the mask of the keys, `(batch, keys)`.
        allowed: `(queries, keys)` for all samples alike, such as no look into the future.

    Returns:
        `(batch, 1, queries or 1, keys)`; `allowed` where there is no mask of keys. A query that would be left
        without any key attends to all that `allowed` gives it, for a softmax over nothing is not a number.
    """
    if keys is None:
        return allowed
    present = keys[:, None, None, :]
    if allowed is None:
        return present | ~present.any(dim=3, keepdim=True)
    both = present & allowed
    return torch.where(both.any(dim=3, keepdim=True), both, allowed)


def _or_all(mask: Tensor) -> Tensor:
    return mask | ~mask.any(dim=1, keepdim=True)
