"""The journal of one attempt at a run: a start line, one line per epoch, an end line.

The training process writes it. It writes an epoch before it reports this epoch to any other process.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from results.records.layout import SweepLayout
from results.records.provenance import run_software
from results.records.schemas import RunKey, RunState
from results.storage.journal import REPAIRED, Journal, now
from results.storage.store_error import StoreError

_ATTEMPT = re.compile(r"(?P<stem>[0-9a-f]{16}-s\d+)-a(?P<attempt>\d+)")
_IN_START = frozenset(
    {"time", "phase", "role", "number", "config", "values", "parameters", "host", "device", "notes"}
)
"""Keys of the start line in journals of every version."""

_END_STATES = frozenset(state.value for state in RunState if state.is_written)


def attempts(layout: SweepLayout, key: RunKey) -> list[int]:
    """The numbers of the attempts at a run, in order: from 1, without gaps."""
    # By name, not by a listing: this is called for every run, and a listing takes time with all runs of the sweep.
    return list(takewhile(lambda attempt: layout.run_journal(key, attempt).exists(), count(1)))


def parse_attempt(path: Path) -> tuple[RunKey, int]:
    """The run and the number of the attempt in the name of a journal's file.

    Raises:
        ValueError: the file is not named like a run's journal.
    """
    match = _ATTEMPT.fullmatch(path.stem)
    if match is None:
        raise ValueError(f"not the journal of a run: {path}")
    return RunKey.parse(match["stem"]), int(match["attempt"])


def misplaced_row(rows: Sequence[Mapping[str, Any]], key: RunKey, attempt: int) -> str:
    """What is wrong with the rows of a run's journal, in words. Empty if nothing is.

    Args:
        rows: the complete rows, each with a right checksum.
        key, attempt: the run and the attempt in the file's name.
    """
    if not rows or ([row.get("kind") for row in rows] == [REPAIRED]):
        return ""
    start = rows[0]
    if start.get("kind") != "start" or not start.keys() >= _IN_START:
        return "line 1: it is not the start of a run"
    found = (start.get("run", key.stem), start.get("attempt", attempt))  # older versions wrote neither
    if found != (key.stem, attempt):
        return f"line 1: it is of the run {found[0]}, attempt {found[1]}"
    before = None
    for line, row in enumerate(rows[1:], start=2):
        kind, epoch = row.get("kind"), row.get("epoch")
        if not isinstance(row.get("time"), str) or kind not in ("epoch", "end"):
            return f"line {line}: it is neither an epoch nor an end"
        if kind == "end" and line < len(rows):
            return f"line {line + 1}: it follows the end"
        if kind == "end" and row.get("state") not in _END_STATES:
            return f"line {line}: it ends in an unknown state"
        if kind == "epoch" and (not isinstance(epoch, int) or (before is not None and epoch != before + 1)):
            return f"line {line}: it is of epoch {epoch}, and the line before of epoch {before}"
        before = epoch
    return ""


def run_journal_files(layout: SweepLayout) -> list[Path]:
    """The journals of all runs, ordered by name. Files with other names are not the sweep's."""
    return sorted(path for path in layout.run_journals.glob("*.jsonl") if _ATTEMPT.fullmatch(path.stem))


class RunJournal:
    """The one writer of an attempt at a run."""

    def __init__(self, journal: Journal, key: RunKey, attempt: int) -> None:
        self.key = key
        self.attempt = attempt
        self._journal = journal
        self._ended = False

    @classmethod
    def begin(
        cls,
        layout: SweepLayout,
        key: RunKey,
        *,
        phase: str,
        role: str,
        number: int | None,
        config: Mapping[str, Any],
        values: Mapping[str, Any] | None = None,
        parameters: int | None = None,
        device: str = "",
        notes: str = "",
        host: str | None = None,
        gpus: float = 0.0,
        reused_from: str | None = None,
        software: Mapping[str, Any] | None = None,
    ) -> RunJournal:
        """Begin the next attempt at a run, and write its start line.

        Args:
            layout: the sweep's folder.
            key: the run.
            phase: `search`, `confirm` or another phase of the sweep.
            role: `candidate` for searched configurations, else the contender (`paper`, `undebiased`).
            number: the number of the proposal. None for contenders.
            config: the whole configuration as plain JSON values.
            values: the searched parameters of the proposal, by dotted path. A conditional parameter that is not among
                them is empty in the tables, even if `config` has its default. None: every searched parameter is looked
                up in `config`.
            parameters: the number of trainable parameters.
            device: the training device (`cpu`, `cuda:0`).
            notes: remarks for readers of the record, such as "ALBERT with fresh weights".
            host: the machine's name. None: this machine's.
            gpus: the number of GPUs, or the share of one, of the attempt.
            reused_from: the sweep_id of the sweep whose rows are copied. None: this attempt trains.
            software: the software that trains (see `results.records.provenance.run_software`). None: this process's.

        Raises:
            JournalError: the journal cannot be written.
            StoreError: the start line is written here, but not in the store.
        """
        earlier = attempts(layout, key)
        attempt = max(earlier, default=0) + 1
        while True:
            try:
                journal = Journal.create(layout.run_journal(key, attempt), layout.store.push)
                break
            except FileExistsError:  # another process began this attempt in the meantime
                attempt += 1
        for old in earlier:
            # The ballast of a killed attempt is still there.
            path = layout.run_journal(key, old)
            path.with_name(f".{path.name}.ballast").unlink(missing_ok=True)
        run = cls(journal, key, attempt)
        run._append(
            "start",
            {
                "run": key.stem,
                "attempt": attempt,
                "phase": phase,
                "role": role,
                "number": number,
                "config": dict(config),
                "values": None if values is None else dict(values),
                "parameters": parameters,
                "host": socket.gethostname() if host is None else host,
                "device": device,
                "notes": notes,
                "pid": os.getpid(),
                "gpus": gpus,
                "reused_from": reused_from,
                "software": dict(run_software() if software is None else software),
            },
        )
        return run

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Add an epoch. When this returns, the row is durable.

        Args:
            row: `epoch` (from 1) and columns of the epochs table.

        Raises:
            JournalError: the row cannot be written.
            StoreError: the row is written here, but not in the store.
            ValueError: the row has no `epoch`.
        """
        if not isinstance(row.get("epoch"), int):
            raise ValueError(f"the row of an epoch needs an integer 'epoch', given {row.get('epoch')!r}")
        self._append("epoch", row)

    def end(self, state: RunState, reason: str = "", **extra: Any) -> None:
        """Write the end line and close the journal.

        Args:
            state: a final state, or `interrupted`.
            reason: why the attempt ended, in words, for states other than `finished`.
            extra: further JSON values for the line, such as the peak memory.

        Raises:
            JournalError: the line cannot be written.
            StoreError: the line is written here, but not in the store.
            ValueError: the state is `running` or `lost`, which describe an attempt without an end line.
        """
        if not state.is_written:
            raise ValueError(f"an attempt does not end as {state.value!r}")
        try:
            self._append("end", {**extra, "state": state.value, "reason": reason})
        except StoreError:
            self._ended = True  # the line is in the file, and no line may follow it
            self.close()
            raise
        self._ended = True
        self.close()

    @property
    def ended(self) -> bool:
        """Whether the end line is written."""
        return self._ended

    def close(self) -> None:
        """Stop writing without an end line. The run counts as lost, and a resumed sweep starts it again."""
        self._journal.close()

    def _append(self, kind: str, row: Mapping[str, Any]) -> None:
        self._journal.append({**row, "kind": kind, "time": now()})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
