"""Causal effects of the branches on the fused logit: pure functions.

z(...) is the fusion in which the named branches have their factual logits and every other branch a constant:

    TE     = z(m, t, a, v) - z()               every branch factual, against none
    NDE_k  = z(k) - z(),   k in {t, a, v}      branch k alone factual; the others, m too, at the constant c_k
    TIE_w  = TE - sum_k w_k NDE_k              w = 1 is the paper

In z() all branches have the value c_t + c_a + c_v. z() is the same number for every class and sample, so it never
changes an argmax. Source: CausalMER, section 3, and its published code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from causalmer_core.method.fusion import Fusion


@dataclass(frozen=True, slots=True)
class BranchLogits:
    """The logits of the multimodal branch and of the three unimodal ones, each `(batch, outputs)`."""

    multimodal: Tensor
    text: Tensor
    audio: Tensor
    vision: Tensor

    def detach(self) -> BranchLogits:
        """The same logits, detached from the graph that made them."""
        return BranchLogits(
            self.multimodal.detach(), self.text.detach(), self.audio.detach(), self.vision.detach()
        )


@dataclass(frozen=True, slots=True)
class Effects:
    """Effects on the fused logits.

    Attributes:
        factual: `(batch, outputs)`, z(m, t, a, v).
        none: a scalar, or `(K, 1, 1)`, z().
        nde_text, nde_audio, nde_vision: `(batch, outputs)`.
    """

    factual: Tensor
    none: Tensor
    nde_text: Tensor
    nde_audio: Tensor
    nde_vision: Tensor

    @property
    def te(self) -> Tensor:
        """The total effect."""
        return self.factual - self.none

    @property
    def nde(self) -> Tensor:
        """The sum of the natural direct effects."""
        return self.nde_text + self.nde_audio + self.nde_vision

    def tie(self, weights: tuple[float, float, float] | Tensor = (1.0, 1.0, 1.0)) -> Tensor:
        """The total indirect effect, with `weights` (text, audio, vision) on the natural direct effects.

        A tensor `(3, K, 1, 1)` of weights, with constants of that shape, gives K effects `(K, batch, outputs)`.
        """
        w_t, w_a, w_v = weights
        return self.te - (w_t * self.nde_text + w_a * self.nde_audio + w_v * self.nde_vision)


def effects(fuse: Fusion, logits: BranchLogits, constants: Tensor) -> Effects:
    """The effects for branch logits and the no-treatment constants `(3,)` of text, audio and vision.

    Constants `(3, K, 1, 1)` give the effects of K choices at once: all but `factual` then have K in front.
    Gradients flow to the logits and to the constants, unless they are detached.
    """
    c_t, c_a, c_v = constants.unbind()
    reference = constants.sum(0)
    none = fuse(reference, reference, reference, reference)
    return Effects(
        factual=fuse(logits.multimodal, logits.text, logits.audio, logits.vision),
        none=none,
        nde_text=fuse(c_t, logits.text, c_t, c_t) - none,
        nde_audio=fuse(c_a, c_a, logits.audio, c_a) - none,
        nde_vision=fuse(c_v, c_v, c_v, logits.vision) - none,
    )


def stacked(effect: Effects) -> Tensor:
    """TE, the sum of the NDEs, and the NDE of text, of audio and of vision: `(5, batch, outputs)`."""
    return torch.stack([effect.te, effect.nde, effect.nde_text, effect.nde_audio, effect.nde_vision])
