"""Features of a file in the store's form: float32, finite, converted a piece at a time."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import Modality
from causalmer_core.datasets.base import FloatArray, Samples
from causalmer_core.datasets.nonfinite import (
    Nonfinite,
    NonfiniteCounts,
    Replaced,
    counted_and_replaced,
)
from causalmer_core.datasets.statistics import release_pages, row_bounds

ALLOWED = "allowed: an array of numbers of shape (samples, time, width), all at least 1"


@final
class FileFeatures:
    """`(samples, time, width)` float32 over an array of a file; a piece is read and converted on access.

    Args:
        source: the array, of any kind of number and any byte order.
        replaced: the numbers that become 0.
    """

    def __init__(self, source: Samples, replaced: Replaced) -> None:
        self._source = source
        self._replaced = replaced
        self.dtype: np.dtype[Any] = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, samples first."""
        return self._source.shape

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, key: Any) -> FloatArray:
        return self.counted(key)[0]

    def counted(self, key: Any) -> tuple[FloatArray, NonfiniteCounts]:
        """A piece, and how many of its numbers were not finite."""
        result = counted_and_replaced(self._piece(key), self._replaced)
        release_pages(self._source)
        return result

    def _piece(self, key: Any) -> NDArray[Any]:
        """A piece in the file's own type of numbers."""
        # In Fortran's order a few samples are spread over the whole file. Gathering them channel by channel keeps
        # most of the file out of memory.
        piece = np.asarray(self._source[key])
        if piece.ndim < 3 or piece.strides[0] >= piece.strides[-1]:
            return piece
        gathered = np.empty(piece.shape, piece.dtype)
        for channel in range(piece.shape[-1]):
            gathered[..., channel] = piece[..., channel]
            release_pages(self._source)
        return gathered


def read_features(
    values: object, modality: Modality, nonfinite: Nonfinite, where: str
) -> tuple[FileFeatures, NonfiniteCounts]:
    """The features of one modality in one split, read once to count what is not finite.

    Minus infinity in audio becomes 0, as in MulT's own reader; anything else that is not finite is an error, or
    becomes 0 with `zero`. `where` (file, split and key) begins every message.

    Raises:
        UserError: the value is no array of features, or has numbers that are not finite.
    """
    if not isinstance(values, Samples):
        raise UserError(f"{where}: found {type(values).__name__}; {ALLOWED}")
    if values.dtype.kind not in "biuf" or len(values.shape) != 3 or 0 in values.shape:
        raise UserError(f"{where}: found dtype {values.dtype} and shape {values.shape}; {ALLOWED}")
    features = FileFeatures(
        values, Replaced(everything=nonfinite == "zero", negative_infinity=modality is Modality.AUDIO)
    )
    counts = NonfiniteCounts()
    for start, stop in row_bounds(features):
        counts += features.counted(slice(start, stop))[1]
    if counts.remaining:
        raise UserError(
            f"{where}: {counts.nan} NaN, {counts.positive_infinity} +inf and {counts.negative_infinity} -inf among "
            f"{np.prod(values.shape)} numbers; allowed: finite numbers (and -inf in audio, which becomes 0 as "
            "published). Mend the file, or set them to 0 with --nonfinite zero"
        )
    return features, counts
