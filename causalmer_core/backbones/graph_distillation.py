"""A graph-distillation unit: three modalities teach each other along learned edges.

Source: Li, Wang, Cui, "Decoupled Multimodal Distilling for Emotion Recognition", CVPR 2023, section 3.2, and its
published code. The six edges go from a teacher i to a student j,
students first: (0 <- 1), (0 <- 2), (1 <- 0), (1 <- 2), (2 <- 0), (2 <- 1). For each sample's logits y_i and
representations r_i of the modalities i

    z_i    = [W_logit y_i; W_repr r_i]
    e_ij   = softmax over the six edges of (W_edge [z_j; z_i]) / 8
    w_ij   = e_ij + p_ij                   p: the prior, softmax of `favoured` / 0.25

    regularisation  = 10 sum_ij (mean_B e_ij - p_ij)^2
    logits          =    sum_ij mean_B (w_ij |y_j - y_i|_1)
    representations = 10 sum_ij mean_B (w_ij |r_j - r_i|_1)             `l1`
                    = 10 sum_ij mean_B w_ij * mean_B max(0, cos(r_j, r_i))    `cosine`

Teachers are detached in the distances, but not in the edges. With `cosine` the published code uses PyTorch's embedding
loss for *unlike* pairs, which pushes representations apart although distillation should draw them together. This is
kept, because the published numbers depend on it. The published linear maps have biases. Each bias adds the same to all
edges and cancels in the softmax, so the maps here have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

_STUDENTS, _TEACHERS = (list(nodes) for nodes in zip(*permutations(range(3), 2), strict=True))
_PRIOR_TEMPERATURE = 0.25
_EDGE_SCALE = 1 / 8
_REGULARISATION = 10.0
_REPRESENTATIONS = 10.0


@dataclass(frozen=True, slots=True)
class Distillation:
    """The output of a unit for a batch.

    Attributes:
        edges: `(6, batch)`; they sum to 1 for each sample.
        regularisation, logits, representations: the three terms of the loss, scalars.
    """

    edges: Tensor
    regularisation: Tensor
    logits: Tensor
    representations: Tensor


@final
class GraphDistillation(nn.Module):
    """One unit over three modalities, in the order in which they are stacked.

    Args:
        outputs: logits a modality.
        width: width of a representation.
        size: width of `W_logit y` and of `W_repr r`.
        favoured: for each edge, 1 if the prior favours it, else 0.
        distance: the distance between representations.
    """

    prior: Tensor

    def __init__(
        self,
        outputs: int,
        width: int,
        *,
        size: int,
        favoured: tuple[int, ...],
        distance: Literal["l1", "cosine"],
    ) -> None:
        super().__init__()
        self.W_logit = nn.Linear(outputs, size, bias=False)
        self.W_repr = nn.Linear(width, size, bias=False)
        self.W_edge = nn.Linear(4 * size, 1, bias=False)
        self._distance = distance
        prior = torch.softmax(torch.tensor(favoured) / _PRIOR_TEMPERATURE, dim=0)
        self.register_buffer("prior", prior, persistent=False)

    def forward(self, logits: Tensor, representations: Tensor) -> Distillation:
        """Edges and loss terms of `logits (3, B, outputs)` and `representations (3, B, width)`."""
        edges = self._edges(logits, representations)
        weights = edges + self.prior[:, None]
        deviation = edges.mean(dim=1) - self.prior
        return Distillation(
            edges,
            regularisation=_REGULARISATION * deviation.square().sum(),
            logits=(weights * _l1(logits)).mean(dim=1).sum(),
            representations=_REPRESENTATIONS * self._representation_loss(representations, weights),
        )

    def _edges(self, logits: Tensor, representations: Tensor) -> Tensor:
        z = torch.cat([self.W_logit(logits), self.W_repr(representations)], dim=2)
        scores = self.W_edge(torch.cat([z[_STUDENTS], z[_TEACHERS]], dim=2)).squeeze(2)
        return torch.softmax(_EDGE_SCALE * scores, dim=0)

    def _representation_loss(self, representations: Tensor, weights: Tensor) -> Tensor:
        if self._distance == "l1":
            return (weights * _l1(representations)).mean(dim=1).sum()
        cosine = F.cosine_similarity(representations[_STUDENTS], representations[_TEACHERS].detach(), dim=2)
        return (weights.mean(dim=1) * F.relu(cosine).mean(dim=1)).sum()


def _l1(x: Tensor) -> Tensor:
    """`(6, B)`: the distance of each student to its teacher."""
    return (x[_STUDENTS] - x[_TEACHERS].detach()).abs().sum(dim=2)
