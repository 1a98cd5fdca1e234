"""Histories of runs written down by hand."""

from __future__ import annotations

from results.records.histories import RunHistory
from results.records.schemas import RunKey, RunState


def ended_run(
    key: RunKey, state: RunState, score: float | None = None, *, number: int | None = 0
) -> RunHistory:
    """A run of the search that has ended, without rows."""
    return RunHistory(
        key=key,
        attempts=1,
        state=state,
        reason="",
        epochs=(),
        best_epoch=None if score is None else 1,
        score=score,
        curve={} if score is None else {1: score},
        config={},
        values=None,
        phase="search",
        role="candidate",
        number=number,
        parameters=None,
        started="",
        seconds=0.0,
        host="",
        device="",
        notes="",
    )
