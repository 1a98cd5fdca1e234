"""The losses of CausalMER.

    loss = alpha * (L(z) + L(z_t) + L(z_a) + L(z_v)) + beta * KL

L is the task loss, z the factual fusion. "KL" is the name in the paper; its code, and this, compute cross-entropies
H(p, q) = -sum p log q between softmaxed effects, with both sides live:

    KL = H(te, nde) + [H(nde_t, nde_a) + H(nde_a, nde_v) + H(nde_v, nde_t)] / 3
         + H(te, nde_t) + H(te, nde_a) + H(te, nde_v)

The branch logits inside KL are detached, so KL trains the three constants and nothing else. Where all effects are
uniform KL is 5 ln C, for C logits under one softmax: a loss that contains it says little about the fit. With one output
the softmax is 1 and KL is identically 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.method.effects import Effects, stacked


@dataclass(frozen=True, slots=True)
class LossTerms:
    """A training loss and its parts, scalars: the total, the task part before alpha, the KL part before beta."""

    total: Tensor
    task: Tensor
    kl: Tensor


def task_loss(task: Task, logits: Tensor, labels: Tensor) -> Tensor:
    """The mean loss of `logits (batch, outputs)`.

    Emotions: cross-entropy over each emotion's pair of logits; classes: cross-entropy; regression: L1.
    """
    if task.kind is TaskKind.EMOTIONS:
        return F.cross_entropy(logits.reshape(-1, 2), labels.reshape(-1))
    if task.kind is TaskKind.CLASSES:
        return F.cross_entropy(logits, labels)
    return F.l1_loss(logits.squeeze(-1), labels)


def kl_loss(task: Task, effect: Effects, axis: str) -> Tensor:
    """The KL term; `axis` is `flat` (softmax over all logits, as published) or `per_emotion` (over each pair)."""
    logits = stacked(effect)
    if task.kind is TaskKind.EMOTIONS and axis == "per_emotion":
        logits = logits.unflatten(-1, (-1, 2)).flatten(1, 2)
    logs = logits.log_softmax(-1)
    te, nde, nde_t, nde_a, nde_v = range(5)

    def cross_entropy(p: int, q: int) -> Tensor:
        return -(logs[p].exp() * logs[q]).sum(-1).mean()

    pairwise = cross_entropy(nde_t, nde_a) + cross_entropy(nde_a, nde_v) + cross_entropy(nde_v, nde_t)
    direct = cross_entropy(te, nde_t) + cross_entropy(te, nde_a) + cross_entropy(te, nde_v)
    return cross_entropy(te, nde) + pairwise / 3 + direct
