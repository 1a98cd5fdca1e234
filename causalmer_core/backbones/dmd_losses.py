"""The terms of DMD's loss that decouple shared from private parts.

Their equations are in `dmd`.

Source: Li, Wang, Cui, "Decoupled Multimodal Distilling for Emotion Recognition", CVPR 2023, section 3.1, and its
published code. Everything here is computed in float32.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from causalmer_core.basics.task import Task, TaskKind

MARGIN = 0.15
"""The margin between two samples at label distance 1."""


@dataclass(frozen=True, slots=True)
class Decoupled:
    """One modality's sequence and its parts, each `(batch, channels, steps)` and 0 at padded steps.

    Attributes:
        projected: the sequence itself, after the convolution in front.
        private, shared: the part that only this modality has, and the part in common with the others.
        reconstructed: decoded from both.
        private_again: the private part of the reconstruction.
        mask: `(batch, steps)`, true at present steps. None: all are present.
    """

    projected: Tensor
    private: Tensor
    shared: Tensor
    reconstructed: Tensor
    private_again: Tensor
    mask: Tensor | None


def reconstruction_loss(parts: Iterable[Decoupled]) -> Tensor:
    """The sum over modalities of the mean squared error of the reconstructions."""
    return torch.stack([_mean_square(p.reconstructed, p.projected, p.mask) for p in parts]).sum()


def cycle_loss(parts: Iterable[Decoupled]) -> Tensor:
    """The sum over modalities of the mean squared error of the reconstructions' private parts."""
    return torch.stack([_mean_square(p.private_again, p.private, p.mask) for p in parts]).sum()


def orthogonality_loss(parts: Iterable[Decoupled]) -> Tensor:
    """The mean over modalities of the mean over samples and steps of `max(0, cos(private, shared))` over channels."""
    cosines = (
        (F.relu(F.cosine_similarity(p.private.float(), p.shared.float(), dim=1)), p.mask) for p in parts
    )
    return torch.stack([_mean_step(cosine, mask) for cosine, mask in cosines]).mean()


def label_distances(task: Task, labels: Tensor) -> Tensor:
    """The distance between the labels of each pair of samples, `(batch, batch)`; at distance 0 they are alike.

    Regression: the absolute difference of the scores, as published. Classes: 1 if they differ, because classes have no
    order. Emotions: the number of emotions in which they differ.
    """
    if task.kind is TaskKind.REGRESSION:
        return (labels[:, None] - labels[None, :]).abs().float()
    differ = (labels[:, None] != labels[None, :]).float()
    return differ.sum(dim=2) if task.kind is TaskKind.EMOTIONS else differ


def margin_loss(features: Tensor, distances: Tensor) -> Tensor:
    """The hinge loss that keeps every sample nearer to samples of its label than to others, by a margin.

    For an anchor i with its like samples J (distance 0, without i) and its unlike samples K it is

        mean over j in J, k in K of max(0, MARGIN * d_ik + cos(i, k) - cos(i, j)),

    averaged over the anchors that have both; 0 if none has.

    Args:
        features: `(R, width)`.
        distances: `(R, R)` between their labels.
    """
    # For each k the sum over j has a closed form once the like samples are sorted. If n_k of them are below the reach
    # a_k = MARGIN * d_ik + cos(i, k), it is n_k a_k minus their sum. This takes R^2 log R time and R^2 memory, not R^3.
    features = features.float()
    unit = features / (features.square().sum(dim=1, keepdim=True) + 1e-8).sqrt()
    cosine = unit @ unit.T
    unlike = distances > 0
    like = ~unlike & ~torch.eye(len(features), dtype=torch.bool, device=features.device)
    reach = MARGIN * distances + cosine

    likes = torch.where(like, cosine, torch.inf).sort(dim=1).values
    below = torch.searchsorted(likes.detach(), reach.detach()) * unlike
    sums = F.pad(likes.masked_fill(likes.isinf(), 0.0).cumsum(dim=1), (1, 0))
    hinge = (below * reach - sums.gather(1, below)).sum(dim=1)

    pairs = like.sum(dim=1) * unlike.sum(dim=1)
    return (hinge / pairs.clamp(min=1)).sum() / (pairs > 0).sum().clamp(min=1)


def _mean_square(found: Tensor, wanted: Tensor, mask: Tensor | None) -> Tensor:
    return _mean_step((found.float() - wanted.float()).square().mean(dim=1), mask)


def _mean_step(values: Tensor, mask: Tensor | None) -> Tensor:
    """The mean of `values (batch, steps)` over the present steps; at padded steps the values are 0."""
    return values.mean() if mask is None else values.sum() / mask.sum().clamp(min=1)
