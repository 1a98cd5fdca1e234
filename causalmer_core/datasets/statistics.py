"""Statistics of features over the steps that are no padding, in bounded memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causalmer_core.datasets.base import FeatureStatistics, Lengths, Samples

CHUNK_BYTES = 32 * 2**20
"""About so many bytes of a memory-mapped array are in memory at a time."""


def chunks(values: Samples, chunk_bytes: int = CHUNK_BYTES) -> Iterator[NDArray[Any]]:
    """The array in pieces along its first axis, each of at most about `chunk_bytes` bytes.

    Only one piece is in memory.
    """
    for start, stop in row_bounds(values, chunk_bytes):
        yield values[start:stop]
        release_pages(values)


def row_bounds(values: Samples, chunk_bytes: int = CHUNK_BYTES) -> Iterator[tuple[int, int]]:
    """The first and past-the-last position of each piece that `chunks` gives."""
    rows = max(1, chunk_bytes // max(1, values[:1].nbytes))
    return ((start, start + rows) for start in range(0, len(values), rows))


def present_steps(
    features: Samples, lengths: Lengths | None, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[tuple[NDArray[Any], NDArray[np.bool_]]]:
    """Pieces of the features with masks of their present steps: not all zero, and within the sample's length.

    Each pair is `(samples, time, width)` and `(samples, time)`.
    """
    steps = np.arange(features.shape[1])
    for start, stop in row_bounds(features, chunk_bytes):
        chunk = features[start:stop]
        present = np.asarray(chunk.any(axis=2))
        if lengths is not None:
            present = present & (steps < lengths[start:stop, None])
        yield chunk, present
        release_pages(features)


@dataclass(frozen=True, slots=True)
class Padding:
    """The padding of a modality.

    Attributes:
        steps: padding steps over all samples.
        missing_samples: samples that are padding throughout.
    """

    steps: int
    missing_samples: int


def count_padding(
    features: Samples, chunk_bytes: int = CHUNK_BYTES, lengths: Lengths | None = None
) -> Padding:
    """Count the padding of one modality, `(samples, time, width)`: steps of zeros, or beyond a sample's length."""
    steps = missing = 0
    for _, present in present_steps(features, lengths, chunk_bytes):
        steps += int((~present).sum())
        missing += int((~present.any(axis=1)).sum())
    return Padding(steps, missing)


def feature_statistics(
    features: Samples, chunk_bytes: int = CHUNK_BYTES, lengths: Lengths | None = None
) -> FeatureStatistics:
    """Mean and standard deviation of each channel over the non-padding steps.

    Population formula (division by the number of steps), summed in float64; chunks are merged after Chan, Golub and
    LeVeque (1983), which does not cancel where the mean is large. A constant channel gets the standard deviation
    1.0, so that dividing by it is harmless; so does every channel where there is nothing but padding.

    Args:
        features: `(samples, time, width)`, may be a memory map.
        chunk_bytes: bytes of it to hold at a time.
        lengths: `(samples,)`, the present steps of each sample. None: all.
    """
    width = features.shape[2]
    count, mean, squares = 0, np.zeros(width), np.zeros(width)
    for chunk, present in present_steps(features, lengths, chunk_bytes):
        steps = np.asarray(chunk[present], dtype=np.float64)
        if not len(steps):
            continue
        total = count + len(steps)
        shift = steps.mean(axis=0) - mean
        squares += ((steps - steps.mean(axis=0)) ** 2).sum(axis=0) + shift**2 * (count * len(steps) / total)
        mean += shift * (len(steps) / total)
        count = total
    std = np.sqrt(squares / max(count, 1))
    rounded = std.astype(np.float32)
    constant = (std <= 1e-6 * np.abs(mean)) | (rounded == 0)
    return FeatureStatistics(mean.astype(np.float32), np.where(constant, np.float32(1), rounded))


def release_pages(values: object) -> None:
    """Free the memory that reading a read-only memory map took; the numbers stay in the file.

    This is a no-op for anything other than an array over a read-only memory map.
    """
    # The system frees these pages only when memory is short. Until then they count against the process's limits.
    base: object = values
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, memoryview):
        base = base.obj
    if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        with memoryview(base) as view:
            read_only = view.readonly
        if read_only:  # in a private writable map the changes would be lost
            base.madvise(mmap.MADV_DONTNEED)
