"""The share of a GPU that a trial gets, from its measured memory."""

from __future__ import annotations

import math

MARGIN = 0.15
"""The relative margin above the measured memory: later batches and the allocator's pieces differ."""

_RAY_STEPS = 10_000
"""Ray counts shares in steps of 1/10000: seven trials of 1/7 rounded up would not fit on a device."""


def share_of(taken: float, total: float) -> float:
    """The smallest share 1/n of a device that holds a trial with the margin, so that n trials fill the device.

        n = floor(total / ((1 + MARGIN) taken)), at least 1

    in Ray's steps, and rounded down so that n trials fit.

    Args:
        taken: bytes that the trial uses on the device, including its context.
        total: bytes of the device.

    Returns:
        The share, above 0 and at most 1. It is 1 also for a trial that does not fit; such a trial fails by itself.
    """
    steps = max(math.ceil(_RAY_STEPS * (1 + MARGIN) * taken / total), 1)
    trials = max(_RAY_STEPS // steps, 1)
    return (_RAY_STEPS // trials) / _RAY_STEPS


def raised(share: float) -> float | None:
    """The share for the retry of a run that exceeded its share: twice as much, at most 1. None: it had a device."""
    return min(2 * share, 1.0) if share < 1 else None
