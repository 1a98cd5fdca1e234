"""Ids of samples: the forms in the field's files, read into one text a sample."""

from __future__ import annotations

import numpy as np

from causalmer_core.basics.errors import UserError


def made_ids(samples: int, split: str) -> tuple[str, ...]:
    """Ids for a split that has none: `train-0`, `train-1`, ..."""
    return tuple(f"{split}-{i}" for i in range(samples))


def read_ids(values: object, where: str, separator: str = "") -> tuple[str, ...]:
    """Ids as text; the columns of one sample are joined with `/`.

    Args:
        values: an array or a list of texts, bytes or numbers, one a sample, or several columns.
        where: file, split and key, for messages.
        separator: the file's text between the parts of an id, which becomes `/`.

    Raises:
        UserError: the ids have none of these forms.
    """
    if isinstance(values, (list, tuple)) and all(isinstance(x, (str, bytes, int, float)) for x in values):
        values = np.array([_text(x) for x in values], dtype=object)
    if not isinstance(values, np.ndarray) or values.ndim < 1 or values.size == 0:
        found = f"shape {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__
        raise UserError(
            f"{where}: found {found}; allowed: one id a sample, as text or numbers, or several columns"
        )
    try:
        rows = values.reshape(len(values), -1).tolist()
    except ValueError as error:
        raise UserError(f"{where}: a text has a character that does not exist ({error})") from error
    ids = ("/".join(_text(x) for x in row) for row in rows)
    return tuple(name.replace(separator, "/") for name in ids) if separator else tuple(ids)


def _text(value: object) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
