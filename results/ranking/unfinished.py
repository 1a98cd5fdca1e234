"""The open runs and proposals of a sweep, in words: a conclusion from a part of the records says so."""

from __future__ import annotations

import json

from results.records.dataset import SweepResults
from results.records.schemas import RunState
from results.records.seals import read_sealed

_OPEN = [state.value for state in RunState if not state.is_final]


def unfinished(results: SweepResults) -> str:
    """What is open, in words: runs that have not ended, and proposals that no run has begun. Empty if nothing is.

    Raises:
        DamagedFileError: the journal of proposals is damaged.
    """
    runs = results.runs
    states = runs.loc[runs["state"].isin(_OPEN), "state"].value_counts()
    parts = []
    if len(states):
        ends = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        parts.append(f"{states.sum()} of {len(runs)} runs have not ended ({ends})")
    begun = set(runs.loc[runs["phase"] == "search", "number"].dropna())
    first: dict[str, int] = {}  # a proposal that repeats an earlier configuration has no runs of its own
    for row in read_sealed(results.layout, results.layout.proposals):
        if row["kind"] == "proposal":
            first.setdefault(json.dumps(row["values"], sort_keys=True), row["number"])
    if begun and (waiting := sum(number not in begun for number in first.values())):
        parts.append(f"{waiting} of {len(first)} proposals have no run")
    return f"unfinished: {'; '.join(parts)}" if parts else ""
