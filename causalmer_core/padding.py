"""Padding inside batches: masks that say which steps are there, and what layers do with them.

A mask is `(batch, steps)`, true where a step is there; no mask means that all are. Masks come from the lengths that a
data set has (`datasets.base.Split.lengths`); whether steps of zeros are padding is not guessed.
"""

from __future__ import annotations

import torch
from torch import Tensor


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


def mean_step(x: Tensor, mask: Tensor | None) -> Tensor:
    """The mean over the steps that are there, `(batch, width)`; without any, over all."""
    if mask is None:
        return x.mean(dim=1)
    weights = _or_all(mask).to(x.dtype)[:, :, None]
    return (x * weights).sum(dim=1) / weights.sum(dim=1)


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
