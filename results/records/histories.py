"""Run histories: all attempts at a run, read from their journals as one history."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from causalmer_core.basics.digests import DamagedFileError
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.run_journal import attempts, misplaced_row, parse_attempt, run_journal_files
from results.records.schemas import RunKey, RunState
from results.records.seals import NO_SEALS, Seals, read_seals
from results.storage.journal import REMEDY, read_journal


@dataclass(frozen=True, slots=True)
class RunHistory:
    """The whole record of one run.

    Attributes:
        key: configuration and seed.
        attempts: the number of attempts.
        state: of the last attempt's end line. Without an end line `running`, or `lost` if no driver is alive.
        reason: of the end line, in words.
        epochs: the rows by epoch, each from the last attempt that reached it, with the number of this `attempt`.
        best_epoch: the last epoch whose row has `is_best`. None if no row has it.
        score: the monitored validation metric at the best epoch.
        curve: the best score so far after each epoch. NaN before the first best epoch.
        config: the whole configuration.
        values: the searched parameters as proposed, by dotted path. None if the journal has none.
        phase, role, number: from the last attempt's start line.
        parameters: the number of trainable parameters.
        started: the first attempt's start, UTC, ISO 8601.
        seconds: the training time of all epochs together, in seconds.
        host, device, notes: from the last attempt's start line.
        reused_from: the sweep_id of the sweep that trained the run. None: this sweep.
        out_of_share: the share of a GPU that was too small for the last attempt. None: the share was large enough.
        spans: for each attempt its start, the time of its last line (both UTC, ISO 8601), and its number of GPUs.
        gpus: the number of GPUs, or the share of one, of the last attempt. None if its journal does not have it.
        peak_bytes: the most device memory that tensors of an attempt used, in bytes. None if it was not measured.
        software: the software that trained the run (see `results.records.provenance.run_software`).
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
        """The state, and the last line of the reason if there is one. A traceback's last line is its error."""
        last_line = self.reason.strip().rpartition("\n")[2]
        return f"{self.state.value}: {last_line}" if last_line else self.state.value

    @property
    def final_score(self) -> float | None:
        """The score of a finished run. None if the run has not finished or its score is not finite."""
        if self.state is not RunState.FINISHED or self.score is None or not math.isfinite(self.score):
            return None
        return self.score

    def has_epochs(self, last: int) -> bool:
        """Whether the rows of the epochs 1 to `last` are on record, without a gap."""
        return [row["epoch"] for row in self.epochs[:last]] == list(range(1, last + 1))

    @property
    def best_row(self) -> dict[str, Any] | None:
        """The row of the best epoch. None if there is none."""
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

    A run without an end line is `running` while a driver may be alive, and `lost` otherwise. An attempt that was killed
    before its start line was complete is skipped.

    Args:
        layout: the sweep's folder.
        reconcile: whether the driver is gone. None: it is gone if no living process holds the sweep's lock.

    Raises:
        DamagedFileError: a journal is damaged, missing, or of another run.
        UserError: the folder is no sweep.
        StoreError: the object store does not answer.
    """
    return list(each_run(layout, reconcile=reconcile))


def each_run(layout: SweepLayout, *, reconcile: bool | None = None) -> Iterator[RunHistory]:
    """As `read_runs`, but one history at a time, because a large sweep does not fit into memory."""
    gone = not layout.is_driven if reconcile is None else reconcile
    unended = RunState.LOST if gone else RunState.RUNNING
    layout.store.pull_runs()
    seals = read_seals(layout)
    for path in seals.missing_journals(layout):
        raise DamagedFileError(path, "it is missing", REMEDY)
    yield from _histories(layout, run_journal_files(layout), unended, seals)


def read_run(
    layout: SweepLayout,
    key: RunKey,
    *,
    look_elsewhere: bool = False,
    seals: Seals = NO_SEALS,
    gaps: bool = False,
) -> RunHistory | None:
    """The history of one run. None if it was never started. A run without an end line is `lost`.

    Args:
        layout: the sweep's folder.
        key: the run.
        seals: the seals to compare with. Default: lines that are gone are not noticed, as `read_runs` does notice.
        gaps: accept an ended run with epochs missing.
        look_elsewhere: ask the store even if the run has ended according to the local files. Another node may have
            started a new attempt.

    Raises:
        DamagedFileError: one of its journals is damaged or of another run.
        UserError: the folder is no sweep.
        StoreError: the object store does not answer.
    """
    known = _read_run(layout, key, seals, gaps)
    if known is not None and known.state.is_final and not look_elsewhere:
        return known  # no process writes an ended run any more
    return _read_run(layout, key, seals, gaps) if _has_grown_elsewhere(layout, key) else known


def _read_run(layout: SweepLayout, key: RunKey, seals: Seals, gaps: bool) -> RunHistory | None:
    return next(iter(_histories(layout, _journals_of(layout, key), RunState.LOST, seals, gaps)), None)


def _has_grown_elsewhere(layout: SweepLayout, key: RunKey) -> bool:
    """Fetch the rows that other nodes have written of a run. Returns whether there were any."""
    before = [path.stat().st_size for path in _journals_of(layout, key)]
    for attempt in count(1):
        if not layout.store.pull_grown(layout.run_journal(key, attempt)):
            break
    return before != [path.stat().st_size for path in _journals_of(layout, key)]


def _journals_of(layout: SweepLayout, key: RunKey) -> list[Path]:
    return [layout.run_journal(key, attempt) for attempt in attempts(layout, key)]


def _histories(
    layout: SweepLayout, files: Iterable[Path], unended: RunState, seals: Seals, gaps: bool = False
) -> Iterator[RunHistory]:
    monitor = f"valid_{read_sweep_manifest(layout).monitor}"
    by_key: dict[RunKey, list[int]] = defaultdict(list)
    for path in files:
        key, number = parse_attempt(path)
        by_key[key].append(number)
    for key in sorted(by_key):
        if found := list(_attempts(layout, key, sorted(by_key[key]), seals)):
            history = _history(key, found, monitor, unended)
            if not gaps:
                check_whole(layout, history)
            yield history


def _attempts(layout: SweepLayout, key: RunKey, numbers: list[int], seals: Seals) -> Iterator[_Attempt]:
    """The attempts at a run whose start lines are complete."""
    for place, number in enumerate(numbers, start=1):
        path = layout.run_journal(key, place)
        if number != place:
            raise DamagedFileError(path, f"it is missing, and attempt {number} is there", REMEDY)
        rows = read_journal(path, seals.of(layout, path))
        if wrong := misplaced_row(rows, key, number):
            raise DamagedFileError(path, wrong, REMEDY)
        if rows and rows[0]["kind"] == "start":
            epochs = [{**row, "attempt": number} for row in rows if row["kind"] == "epoch"]
            end = rows[-1] if rows[-1]["kind"] == "end" else None
            yield _Attempt(number, rows[0], epochs, end, rows[-1]["time"])


def check_whole(layout: SweepLayout, history: RunHistory) -> None:
    """Check that an ended run has no gap in its epochs. A run that has not ended trains the missing ones again.

    Raises:
        DamagedFileError: the run has ended, and epochs of it are missing.
    """
    if history.state.is_final:
        for place, row in enumerate(history.epochs, start=1):
            if row["epoch"] != place:
                path = layout.run_journal(history.key, row["attempt"])
                gap = f"it goes on at epoch {row['epoch']}, and no journal has epoch {place}"
                raise DamagedFileError(path, gap, REMEDY)


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
        # Journals of older versions lack the fields that are read with `get`, and called `out_of_share` `outgrown`.
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
    """For each epoch the row of the last attempt that reached it."""
    rows = {row["epoch"]: row for attempt in attempts for row in attempt.epochs}
    last = attempts[-1]
    # An earlier attempt may have run past its last checkpoint, while the resumed attempt ended sooner, for example by
    # pruning. The earlier attempt's later epochs are then not part of the run.
    if last.end is not None and last.epochs:
        final = last.epochs[-1]["epoch"]
        rows = {epoch: row for epoch, row in rows.items() if epoch <= final}
    if last.end is None or not RunState(last.end["state"]).is_final:
        # A run that began anew may be killed before it reaches later rows of an earlier attempt. They follow from rows
        # that are lost, and the run writes them again.
        return [rows[epoch] for epoch in takewhile(rows.__contains__, count(1))]
    return [rows[epoch] for epoch in sorted(rows)]


def parameter_value(history: RunHistory, path: str) -> Any:
    """A searched parameter's value in a run, a mapping or list as canonical JSON. None where it does not apply."""
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
