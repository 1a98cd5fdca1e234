"""Holm's correction for comparing many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values adjusted so that rejecting all that are at most a errs anywhere with a probability of at most a.

    With the m p-values in rising order p_(1) <= ... <= p_(m)

        adjusted p_(i) = min(1, max_{j <= i} (m - j + 1) p_(j))

    (Holm, "A simple sequentially rejective multiple test procedure", 1979). It holds however the tests depend on each
    other, and never rejects less than Bonferroni's m p_(i).

    Returns:
        In the order given.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(np.arange(raw.size, 0, -1) * raw[order])
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1.0)
    return tuple(adjusted.tolist())


def holm_of_told(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """As `holm`, of those that could be told; the others stay none, and do not count."""
    corrected = iter(holm([value for value in p_values if value is not None]))
    return tuple(None if value is None else next(corrected) for value in p_values)
