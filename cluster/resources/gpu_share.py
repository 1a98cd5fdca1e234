"""Which share of a GPU a trial is given, from the memory that it was measured to take."""

from __future__ import annotations

import math

MARGIN = 0.15
"""A trial is given so much more than it was measured to take: later batches and the allocator's pieces differ."""

_RAY_STEPS = 10_000
"""Ray counts shares in steps of 1/10000: seven trials of 1/7 rounded up would not fit on a device."""


def share_of(taken: float, total: float) -> float:
    """The smallest share 1/n of a device that holds a trial with the margin, so that n trials fill the device.

        n = floor(total / ((1 + MARGIN) taken)), at least 1

    in Ray's steps and rounded down, so that n trials fit.

    Args:
        taken: bytes that the trial takes of the device, its context included.
        total: bytes that the device has.

    Returns:
        The share, above 0 and at most 1: 1 also for what does not fit, which the trial then says itself.
    """
    steps = max(math.ceil(_RAY_STEPS * (1 + MARGIN) * taken / total), 1)
    trials = max(_RAY_STEPS // steps, 1)
    return (_RAY_STEPS // trials) / _RAY_STEPS


def raised(share: float) -> float | None:
    """The share of another try at what outgrew its share: twice of it, at most a device; none: it had one."""
    return min(2 * share, 1.0) if share < 1 else None
