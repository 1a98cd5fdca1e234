"""The open runs and proposals of a sweep, in words: a conclusion from a part of the records says so."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from results.records.dataset import SweepResults
from results.records.histories import RunHistory
from results.records.schemas import RunState
from results.records.seals import read_sealed


def unfinished(results: SweepResults) -> str:
    """What is open in a sweep: runs that have not ended, and proposals that no run has begun. Empty if nothing is.

    Raises:
        DamagedFileError: the journal of proposals is damaged.
    """
    columns = results.runs[["state", "epochs", "phase", "number"]].itertuples(index=False, name=None)
    return _text(columns, read_sealed(results.layout, results.layout.proposals))


def unfinished_runs(runs: Iterable[RunHistory], proposals: Iterable[Mapping[str, Any]]) -> str:
    """As `unfinished`, from histories and the rows of the journal of proposals."""
    return _text(((run.state.value, len(run.epochs), run.phase, run.number) for run in runs), proposals)


def _text(runs: Iterable[tuple[Any, ...]], proposals: Iterable[Mapping[str, Any]]) -> str:
    """`runs`: the state, the number of epochs, the phase and the proposal of each."""
    known = list(runs)
    open_runs = [(state, epochs) for state, epochs, *_ in known if not RunState(state).is_final]
    parts = []
    if open_runs:
        ends = ", ".join(
            f"{n} {state}" for state, n in sorted(Counter(state for state, _ in open_runs).items())
        )
        epochs = sum(epochs for _, epochs in open_runs)
        parts.append(
            f"{len(open_runs)} of {len(known)} runs have not ended ({ends}; epochs so far: {epochs})"
        )
    begun = {number for _, _, phase, number in known if phase == "search"}
    first: dict[str, int] = {}  # a proposal that repeats an earlier configuration has no runs of its own
    for row in proposals:
        if row["kind"] == "proposal":
            first.setdefault(json.dumps(row["values"], sort_keys=True), row["number"])
    if begun and (waiting := sum(number not in begun for number in first.values())):
        parts.append(f"{waiting} of {len(first)} proposals have no run")
    return f"unfinished: {'; '.join(parts)}" if parts else ""
