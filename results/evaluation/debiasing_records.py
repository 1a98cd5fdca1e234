"""Vectors chosen after training, on record before the test split is opened.

The journal has one row a run of the selected configuration and method: the six numbers, and what they gain on the
validation split over the paper's vector (the trained constants with weights 1), as estimated on samples that had no
part in choosing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from causalmer_core.debiasing.vector import DebiasingVector
from results.records.journal import Journal, now, read_journal
from results.records.layout import SweepLayout
from results.records.schemas import VECTOR_COLUMNS, RunKey
from results.statistics.intervals import Interval, t_interval

PAPER_VECTOR, CONFIGURED, LEARNED, SEARCHED = "paper", "configured", "learned", "searched"
"""How a vector comes about: weights 1; the configuration's weights; the convex fit; the search."""


@dataclass(frozen=True, slots=True)
class VectorRecord:
    """A vector of one run.

    Attributes:
        method: one of `METHODS`.
        vector: the six numbers.
        valid_score: the monitored metric on all of validation; samples that chose the vector are among them.
        fold_gains: for each fold of validation, what the method gains over the paper's vector when it chooses on the
            other folds, positive where it is better; empty for methods that choose nothing.
        note: what a reader must know.
    """

    method: str
    vector: DebiasingVector
    valid_score: float
    fold_gains: tuple[float, ...] = ()
    note: str = ""

    @property
    def gain(self) -> Interval | None:
        """The mean gain with its t interval over folds; none for methods that choose nothing."""
        return t_interval(self.fold_gains) if self.fold_gains else None

    def columns(self) -> dict[str, float | None]:
        """The record's part of a row of evaluations."""
        gain = self.gain
        return {
            **vector_columns(self.vector),
            "valid_gain": None if gain is None else gain.mean,
            "valid_gain_low": None if gain is None else gain.low,
            "valid_gain_high": None if gain is None else gain.high,
        }


def vector_columns(vector: DebiasingVector) -> dict[str, float | None]:
    """The six numbers by their columns."""
    return dict(zip(VECTOR_COLUMNS[:6], astuple(vector), strict=True))


def append_record(journal: Journal, key: RunKey, record: VectorRecord) -> None:
    """Put a record into the journal `layout.debiasing_journal`; when this returns, it is durable.

    Raises:
        JournalError: the row cannot be written.
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
    """The records by run and method; without the journal, none. The first row of a run and method counts: what was
    recorded before the test split was opened is never replaced.
    """
    found: dict[RunKey, dict[str, VectorRecord]] = defaultdict(dict)
    for row in read_journal(layout.debiasing_journal):
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
