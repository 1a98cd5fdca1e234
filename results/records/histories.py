"""The canonical view of the runs of a sweep: all attempts at a run, read as one history."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from results.records.journal import read_journal
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.run_journal import attempts, parse_attempt
from results.records.schemas import RunKey, RunState


@dataclass(frozen=True, slots=True)
class RunHistory:
    """All that is recorded about one run.

    Attributes:
        key: configuration and seed.
        attempts: how many attempts were begun.
        state: of the last attempt: its end line's, else `running`, or `lost` where no driver is alive.
        reason: the end line's, in words.
        epochs: the rows by epoch, each from the last attempt that reached it, with that attempt's `attempt`.
        best_epoch: the last epoch whose row says `is_best`; none where no row does.
        score: the monitored validation metric at the best epoch.
        curve: the best score so far after each epoch; NaN while no epoch was a best one.
        config: the whole configuration.
        values: the searched parameters as proposed, by dotted path; none where they were not given.
        phase, role, number: as the last attempt's start line says.
        parameters: the number of trainable parameters.
        started: the first attempt's start, UTC, ISO 8601.
        seconds: the training time of all rows together.
        host, device, notes: as the last attempt's start line says.
        reused_from: the sweep that trained the run, as the last attempt's start line says; none: this one.
        out_of_share: the share of a GPU that the last attempt ended for because it was too small; none: it did not.
        spans: when each attempt began, when its last line was written (both UTC, ISO 8601), and its GPUs.
        gpus: how many GPUs, or which share of one, the last attempt took; none where its journal does not say.
        peak_bytes: the most that tensors of an attempt took of a device, where that was measured.
        software: what trained it (see `results.records.provenance.run_software`).
    """

    key: RunKey
    attempts: int
    state: RunState
    reason: str
    epochs: tuple[dict[str, Any], ...]
    best_epoch: int | None
    score: float | None
    curve: dict[int, float]
    config: dict[str, Any]
    values: dict[str, Any] | None
    phase: str
    role: str
    number: int | None
    parameters: int | None
    started: str
    seconds: float
    host: str
    device: str
    notes: str
    reused_from: str | None = None
    out_of_share: float | None = None
    spans: tuple[tuple[str, str, float], ...] = ()
    gpus: float | None = None
    peak_bytes: int | None = None
    software: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ended_as(self) -> str:
        """The state, and the last line of the reason where there is one: of a traceback the error itself."""
        last_line = self.reason.strip().rpartition("\n")[2]
        return f"{self.state.value}: {last_line}" if last_line else self.state.value

    @property
    def final_score(self) -> float | None:
        """The score of a run that finished, if it is a finite one."""
        if self.state is not RunState.FINISHED or self.score is None or not math.isfinite(self.score):
            return None
        return self.score

    @property
    def best_row(self) -> dict[str, Any] | None:
        """The row of the best epoch."""
        return next((row for row in self.epochs if row["epoch"] == self.best_epoch), None)


@dataclass(frozen=True, slots=True)
class _Attempt:
    number: int
    start: dict[str, Any]
    epochs: list[dict[str, Any]]
    end: dict[str, Any] | None
    last_time: str


def read_runs(layout: SweepLayout, *, reconcile: bool | None = None) -> list[RunHistory]:
    """The histories of all runs, ordered by configuration and seed.

    A run whose last attempt wrote no end line is `running` while a driver may be alive and `lost` when none
    is. An attempt that was killed before its start line was whole left no record and is passed over.

    Args:
        layout: the sweep's folder.
        reconcile: whether the driver is gone; none: look whether a living process holds the sweep's lock.

    Raises:
        UserError: the folder is no sweep.
    """
    return list(each_run(layout, reconcile=reconcile))


def each_run(layout: SweepLayout, *, reconcile: bool | None = None) -> Iterator[RunHistory]:
    """As `read_runs`, one at a time: a large sweep does not fit into memory."""
    gone = not layout.is_driven if reconcile is None else reconcile
    unended = RunState.LOST if gone else RunState.RUNNING
    layout.store.pull_runs()
    yield from _histories(layout, run_journal_files(layout), unended)


def read_run(layout: SweepLayout, key: RunKey, *, look_elsewhere: bool = False) -> RunHistory | None:
    """The history of one run, none if it was never started; without an end line it counts as lost.

    Args:
        layout: the sweep's folder.
        key: the run.
        look_elsewhere: ask the store even where the run has ended by what is here; it may have been opened again.

    Raises:
        UserError: the folder is no sweep.
    """
    known = _read_run(layout, key)
    if known is not None and known.state.is_final and not look_elsewhere:
        return known  # nobody writes it any more
    return _read_run(layout, key) if _has_grown_elsewhere(layout, key) else known


def _read_run(layout: SweepLayout, key: RunKey) -> RunHistory | None:
    return next(iter(_histories(layout, _journals_of(layout, key), RunState.LOST)), None)


def _has_grown_elsewhere(layout: SweepLayout, key: RunKey) -> bool:
    """Fetch what other nodes have written of a run; whether there was anything."""
    before = [path.stat().st_size for path in _journals_of(layout, key)]
    for attempt in count(1):
        if not layout.store.pull_grown(layout.run_journal(key, attempt)):
            break
    return before != [path.stat().st_size for path in _journals_of(layout, key)]


def _journals_of(layout: SweepLayout, key: RunKey) -> list[Path]:
    return [layout.run_journal(key, attempt) for attempt in attempts(layout, key)]


def _histories(layout: SweepLayout, files: Iterable[Path], unended: RunState) -> Iterator[RunHistory]:
    monitor = f"valid_{read_sweep_manifest(layout).monitor}"
    by_key: dict[RunKey, list[tuple[int, Path]]] = defaultdict(list)
    for path in files:
        key, number = parse_attempt(path)
        by_key[key].append((number, path))
    for key in sorted(by_key):
        found = [
            attempt for number, path in sorted(by_key[key]) if (attempt := _attempt(number, path)) is not None
        ]
        if found:
            yield _history(key, found, monitor, unended)


def run_journal_files(layout: SweepLayout) -> list[Path]:
    """The runs' journals, ordered by name."""
    return sorted(layout.run_journals.glob("*.jsonl"))


def _attempt(number: int, path: Path) -> _Attempt | None:
    """What a journal says; none where its start line is not whole."""
    rows = read_journal(path)
    if not rows or rows[0]["kind"] != "start":
        return None
    epochs = [{**row, "attempt": number} for row in rows if row["kind"] == "epoch"]
    end = rows[-1] if rows[-1]["kind"] == "end" else None
    return _Attempt(number, rows[0], epochs, end, rows[-1]["time"])


def _history(key: RunKey, in_order: list[_Attempt], monitor: str, unended: RunState) -> RunHistory:
    last = in_order[-1]
    epochs = _canonical_epochs(in_order)
    best = next((row for row in reversed(epochs) if row.get("is_best")), None)
    return RunHistory(
        key=key,
        attempts=last.number,
        state=unended if last.end is None else RunState(last.end["state"]),
        reason="" if last.end is None else last.end["reason"],
        epochs=tuple(epochs),
        best_epoch=None if best is None else best["epoch"],
        score=None if best is None else best.get(monitor),
        curve=_best_so_far(epochs, monitor),
        config=last.start["config"],
        values=last.start["values"],
        phase=last.start["phase"],
        role=last.start["role"],
        number=last.start["number"],
        parameters=last.start["parameters"],
        started=in_order[0].start["time"],
        seconds=float(sum(row.get("seconds") or 0.0 for row in epochs)),
        host=last.start["host"],
        device=last.start["device"],
        notes=last.start["notes"],
        # earlier versions wrote no `reused_from`, and called `out_of_share` `outgrown`
        reused_from=last.start.get("reused_from"),
        out_of_share=None if last.end is None else last.end.get("out_of_share", last.end.get("outgrown")),
        gpus=last.start.get("gpus"),
        peak_bytes=max(
            (a.end["peak_bytes"] for a in in_order if a.end and "peak_bytes" in a.end), default=None
        ),
        software=last.start.get("software", {}),
        spans=tuple((a.start["time"], a.last_time, a.start.get("gpus", 0.0)) for a in in_order),
    )


def _best_so_far(epochs: Iterable[dict[str, Any]], monitor: str) -> dict[int, float]:
    curve, best = {}, math.nan
    for row in epochs:
        best = row.get(monitor, math.nan) if row.get("is_best") else best
        curve[row["epoch"]] = best
    return curve


def _canonical_epochs(attempts: list[_Attempt]) -> list[dict[str, Any]]:
    """For each epoch the row of the last attempt that reached it.

    Where the last attempt has ended, what earlier attempts wrote beyond its last epoch is not part of the
    run: they got further than their last checkpoint, and the run then ended sooner (was pruned, say).
    """
    rows = {row["epoch"]: row for attempt in attempts for row in attempt.epochs}
    last = attempts[-1]
    if last.end is not None and last.epochs:
        final = last.epochs[-1]["epoch"]
        rows = {epoch: row for epoch, row in rows.items() if epoch <= final}
    return [rows[epoch] for epoch in sorted(rows)]


def parameter_value(history: RunHistory, path: str) -> Any:
    """A searched parameter's value in a run, none where it does not apply; a mapping is given as canonical
    JSON.
    """
    given = history.values
    value = _at_path(history.config, path) if given is None else given.get(path)
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else value


def _at_path(tree: dict[str, Any], path: str) -> Any:
    node: Any = tree
    for key in path.split("."):
        if not isinstance(node, dict) or key not in node:
            return None
        node = node[key]
    return node
