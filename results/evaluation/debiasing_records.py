"""Records of the debiasing vectors chosen after training, before the test split is opened.

The journal has one row per method and run of the selected configuration. A row has the six numbers of the vector, and
its gain on the validation split over the paper's vector (the trained constants with weights 1). The gain is estimated
on samples that had no part in the choice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from causalmer_core.debiasing.vector import DebiasingVector
from results.records.layout import SweepLayout
from results.records.schemas import VECTOR_COLUMNS, RunKey
from results.records.seals import read_sealed
from results.statistics.intervals import Interval, t_interval
from results.storage.journal import Journal, now

PAPER_VECTOR, CONFIGURED, LEARNED, SEARCHED = "paper", "configured", "learned", "searched"
"""The methods that choose a vector: weights 1; the configuration's weights; the convex fit; the search."""


@dataclass(frozen=True, slots=True)
class VectorRecord:
    """The debiasing vector of one run and method.

    Attributes:
        method: `paper`, `configured`, `learned` or `searched`.
        vector: three constants and three weights.
        valid_score: the monitored metric on the whole validation split, which includes the samples that chose the
            vector.
        fold_gains: the gain over the paper's vector on each fold of the validation split, when the method chooses on
            the other folds. Positive is better, shape (folds,). Empty for methods without a choice.
        note: a remark for readers, or empty.
    """

    method: str
    vector: DebiasingVector
    valid_score: float
    fold_gains: tuple[float, ...] = ()
    note: str = ""

    @property
    def gain(self) -> Interval | None:
        """The mean gain with its t interval over folds. None for methods without a choice."""
        return t_interval(self.fold_gains) if self.fold_gains else None

    def columns(self) -> dict[str, float | None]:
        """The record's columns of the evaluations table."""
        gain = self.gain
        return {
            **vector_columns(self.vector),
            "valid_gain": None if gain is None else gain.mean,
            "valid_gain_low": None if gain is None else gain.low,
            "valid_gain_high": None if gain is None else gain.high,
        }


def vector_columns(vector: DebiasingVector) -> dict[str, float | None]:
    """The six numbers of a vector by column of the evaluations table."""
    return dict(zip(VECTOR_COLUMNS[:6], astuple(vector), strict=True))


def append_record(journal: Journal, key: RunKey, record: VectorRecord) -> None:
    """Add a record to the journal `layout.debiasing_journal`. When this returns, it is durable.

    Raises:
        JournalError: the row cannot be written.
        StoreError: the row is written here, but not in the store.
    """
    journal.append(
        {
            "kind": "vector",
            "config_id": key.config_id,
            "seed": key.seed,
            "method": record.method,
            **record.columns(),
            "valid_score": record.valid_score,
            "fold_gains": list(record.fold_gains),
            "note": record.note,
            "time": now(),
        }
    )


def read_records(layout: SweepLayout) -> dict[RunKey, dict[str, VectorRecord]]:
    """The records by run and method. Empty without the journal."""
    # The first row of a run and method counts: a record from before the opening of the test split is never replaced.
    found: dict[RunKey, dict[str, VectorRecord]] = defaultdict(dict)
    for row in read_sealed(layout, layout.debiasing_journal):
        if row["kind"] == "vector":
            found[RunKey(row["config_id"], row["seed"])].setdefault(row["method"], _record(row))
    return dict(found)


def _record(row: Mapping[str, Any]) -> VectorRecord:
    return VectorRecord(
        method=row["method"],
        vector=DebiasingVector(*(row[column] for column in VECTOR_COLUMNS[:6])),
        valid_score=row["valid_score"],
        fold_gains=tuple(row["fold_gains"]),
        note=row["note"],
    )
