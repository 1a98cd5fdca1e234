"""NaN and infinities in features: always counted, replaced on request or as published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from causalmer_core.datasets.base import FloatArray

Nonfinite = Literal["refuse", "zero"]
"""What to do with features that are not finite."""


class NonfiniteCounts(BaseModel):
    """How many numbers of one array are not finite, and how many of those were replaced by 0."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    nan: int = 0
    positive_infinity: int = 0
    negative_infinity: int = 0
    replaced: int = 0

    @property
    def remaining(self) -> int:
        """The number of those that were not replaced."""
        return self.nan + self.positive_infinity + self.negative_infinity - self.replaced

    def __add__(self, other: NonfiniteCounts) -> NonfiniteCounts:
        """The counts of two parts of an array together."""
        return NonfiniteCounts(
            nan=self.nan + other.nan,
            positive_infinity=self.positive_infinity + other.positive_infinity,
            negative_infinity=self.negative_infinity + other.negative_infinity,
            replaced=self.replaced + other.replaced,
        )


@dataclass(frozen=True, slots=True)
class Replaced:
    """Which numbers that are not finite become 0.

    Attributes:
        everything: all of them.
        negative_infinity: minus infinity.
    """

    everything: bool
    negative_infinity: bool


def counted_and_replaced(values: NDArray[Any], replaced: Replaced) -> tuple[FloatArray, NonfiniteCounts]:
    """A copy of the values as float32, with 0 in the place of replaced numbers, and the counts.

    Numbers too large for float32 count as infinities.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        features = np.array(values, dtype=np.float32, order="C")
    bad = ~np.isfinite(features)
    found = features[bad]
    if not found.size:
        return features, NonfiniteCounts()
    chosen = bad if replaced.everything else bad & (features == -np.inf) & replaced.negative_infinity
    features[chosen] = 0
    return features, NonfiniteCounts(
        nan=int(np.isnan(found).sum()),
        positive_infinity=int((found == np.inf).sum()),
        negative_infinity=int((found == -np.inf).sum()),
        replaced=int(chosen.sum()),
    )
