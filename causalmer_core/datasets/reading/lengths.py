"""Lengths of samples: the forms in the field's files, read into one number a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.errors import UserError
from causalmer_core.datasets.base import Lengths

MASK_ROW = 1
"""The row of `text_bert` that is the mask of the tokens; the others are token numbers and segments."""

ALLOWED = (
    "allowed: (samples,) whole numbers, a mask (samples, steps) of 0 and 1, or text_bert's form (samples, 3, steps), "
    "whose second row is the mask"
)


def read_lengths(values: object, steps: int, role: str, where: str) -> Lengths:
    """The number of present steps from the first one on, `(samples,)`.

    Args:
        values: in one of the forms `ALLOWED`.
        steps: steps of the modality; no length may be greater.
        role: the role of the array, for the likely fix.
        where: file, split and key, for messages.

    Raises:
        UserError: the form is none of these, a length is no whole number from 0 to `steps`, or a mask has gaps.
    """
    fix = f"correct the file, or leave them out with --map {role}=none"
    found = np.asarray(values) if isinstance(values, (list, tuple, np.ndarray)) else None
    if found is None or found.dtype.kind not in "biuf":
        kind = type(values).__name__ if found is None else f"dtype {found.dtype}"
        raise UserError(f"{where}: found {kind} for {role}; {ALLOWED}; {fix}")
    mask = _mask(found, steps)
    if mask is not None:
        return _from_mask(mask, where, fix)
    if found.size != len(found):
        raise UserError(f"{where}: found shape {found.shape} for {role} and {steps} steps; {ALLOWED}; {fix}")
    flat = found.reshape(-1)
    wrong = np.flatnonzero(~((flat >= 0) & (flat <= steps) & (flat == np.floor(flat))))
    if wrong.size:
        raise UserError(
            f"{where}: sample {wrong[0]} has length {flat[wrong[0]]} ({wrong.size} such samples); "
            f"allowed: whole numbers from 0 to the {steps} steps; {fix}"
        )
    return np.asarray(flat, np.int64)


def _mask(found: NDArray[Any], steps: int) -> NDArray[Any] | None:
    if found.ndim == 3 and found.shape[1:] == (3, steps):
        return np.asarray(found[:, MASK_ROW, :])
    return found if found.ndim == 2 and found.shape[1] == steps > 1 else None


def _from_mask(mask: NDArray[Any], where: str, fix: str) -> Lengths:
    lengths = mask.astype(bool).sum(axis=1)
    wrong = np.flatnonzero((mask != (np.arange(mask.shape[1]) < lengths[:, None])).any(axis=1))
    if wrong.size:
        raise UserError(
            f"{where}: the mask of sample {wrong[0]} is not ones followed by zeros ({wrong.size} such samples), so it "
            f"is no length; allowed: padding at the end; {fix}"
        )
    return np.asarray(lengths, np.int64)
