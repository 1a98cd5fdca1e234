"""The debiasing vector: the six numbers of a prediction that can be chosen after training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]
"""`(K, 6)`: c_t, c_a, c_v, w_t, w_a, w_v, in the order of `DebiasingVector`."""

Triple = tuple[float, float, float]
"""One number each of text, audio, vision."""

PAPER_WEIGHTS: Triple = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class DebiasingVector:
    """Constants and weights of `TIE_w = TE - sum_k w_k NDE_k` (see `causalmer_core.method.effects`).

    Attributes:
        c_text, c_audio, c_vision: the no-treatment constants, in units of logits.
        w_text, w_audio, w_vision: the weights of the natural direct effects; 1 is the paper, 0 leaves the effect in.
    """

    c_text: float
    c_audio: float
    c_vision: float
    w_text: float
    w_audio: float
    w_vision: float

    @property
    def constants(self) -> Triple:
        """The constants of text, audio, vision."""
        return self.c_text, self.c_audio, self.c_vision

    @property
    def weights(self) -> Triple:
        """The weights of text, audio, vision."""
        return self.w_text, self.w_audio, self.w_vision

    def as_row(self) -> Vectors:
        """The six numbers as an array, `(6,)`."""
        return np.array(astuple(self), np.float64)


def fixed(constants: Sequence[float], weights: Sequence[float] = PAPER_WEIGHTS) -> DebiasingVector:
    """Given constants with given weights, each of text, audio, vision; by default the paper's weights."""
    return DebiasingVector(*map(float, constants), *map(float, weights))
