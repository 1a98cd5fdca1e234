"""NaN and infinities in features: counted always, replaced only where asked for or published."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from causalmer_core.datasets.base import FloatArray


class NonfiniteCounts(BaseModel):
    """How many numbers of one array are not finite, and how many of those were replaced by 0."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    nan: int = 0
    positive_infinity: int = 0
    negative_infinity: int = 0
    replaced: int = 0

    @property
    def remaining(self) -> int:
        """How many are still there."""
        return self.nan + self.positive_infinity + self.negative_infinity - self.replaced


def counted_and_replaced(
    values: NDArray[Any], *, replace_all: bool, replace_negative_infinity: bool
) -> tuple[FloatArray, NonfiniteCounts]:
    """The values as float32 with what is to be replaced set to 0, and the counts.

    Numbers too large for float32 count as infinities.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        features = np.ascontiguousarray(values, dtype=np.float32)
    bad = ~np.isfinite(features)
    found = features[bad]
    if not found.size:
        return features, NonfiniteCounts()
    chosen = bad if replace_all else bad & (features == -np.inf) & replace_negative_infinity
    features = np.where(chosen, np.float32(0), features)
    return features, NonfiniteCounts(
        nan=int(np.isnan(found).sum()),
        positive_infinity=int((found == np.inf).sum()),
        negative_infinity=int((found == -np.inf).sum()),
        replaced=int(chosen.sum()),
    )
