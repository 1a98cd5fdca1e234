"""Masks of present and padded steps inside batches, and how layers use them.

A mask is `(batch, steps)`, true at present steps. Without a mask all steps are present. Masks come from the lengths in
a data set (`datasets.base.Split.lengths`). Steps of zeros are never guessed to be padding.
"""

from __future__ import annotations

import torch
from torch import Tensor


def without_padding(x: Tensor, mask: Tensor | None) -> Tensor:
    """`x (batch, steps, width)` with the padded steps set to 0."""
    return x if mask is None else x.masked_fill(~mask[:, :, None], 0.0)


def convolved_mask(mask: Tensor | None, kernel: int) -> Tensor | None:
    """The mask after a convolution of width `kernel` without padding, `(batch, steps - kernel + 1)`.

    A step is present where its whole window is. A sample shorter than the window keeps every step whose window holds
    a present step, so that no present step is lost.
    """
    if mask is None or kernel == 1:
        return mask
    windows = mask.unfold(1, kernel, 1)
    whole = windows.all(dim=2)
    return torch.where(whole.any(dim=1, keepdim=True), whole, windows.any(dim=2))


def last_step(x: Tensor, mask: Tensor | None) -> Tensor:
    """The last present step, `(batch, width)` of `x (batch, steps, width)`; the last of all if none is present."""
    if mask is None:
        return x[:, -1]
    steps = torch.arange(1, x.shape[1] + 1, device=x.device)
    last = (mask * steps).amax(dim=1)
    index = torch.where(last > 0, last, x.shape[1]) - 1
    return x[torch.arange(len(x), device=x.device), index]


def present_step_counts(x: Tensor, mask: Tensor | None) -> Tensor:
    """The number of present steps of `x (batch, steps, width)`, `(batch,)`; all count if none is present."""
    if mask is None:
        return torch.full((len(x),), x.shape[1], device=x.device)
    return _or_all(mask).sum(dim=1)


def averaged_to(x: Tensor, mask: Tensor | None, steps: int, counts: Tensor | None = None) -> Tensor:
    """The present steps, averaged in time to another number of steps, `(batch, steps, width)`.

    Step s of c is the mean over the present steps from `floor(s n / c)` to below `ceil((s + 1) n / c)`, for n present
    steps, as in `adaptive_avg_pool1d`. With `c = n` nothing changes; with `c > n` steps are repeated.

    Args:
        x: `(batch, any number of steps, width)`.
        mask: the present steps, `(batch, any number of steps)`. None: all.
        steps: the number of steps of the result.
        counts: `(batch,)`, c of each sample, at most `steps`; steps beyond it are 0. None: c is `steps`.
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
    """The keys that each query may attend to, for `scaled_dot_product_attention`.

    Args:
        keys: the mask of the keys, `(batch, keys)`. None: all are present.
        allowed: `(queries, keys)`, the same for all samples, such as the mask of the future. None: all.

    Returns:
        `(batch, 1, queries or 1, keys)`; `allowed` if `keys` is None.
    """
    # A softmax over no key is not a number: a query without a present key attends to all that `allowed` gives it.
    if keys is None:
        return allowed
    present = keys[:, None, None, :]
    if allowed is None:
        return present | ~present.any(dim=3, keepdim=True)
    both = present & allowed
    return torch.where(both.any(dim=3, keepdim=True), both, allowed)


def _or_all(mask: Tensor) -> Tensor:
    return mask | ~mask.any(dim=1, keepdim=True)
