"""The journal of one attempt at a run: a start line, a line an epoch, an end line.

The process that trains writes it itself, and writes an epoch before it reports that epoch to anyone.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from itertools import count, takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from results.records.journal import Journal, now
from results.records.layout import SweepLayout
from results.records.provenance import run_software
from results.records.schemas import RunKey, RunState
from results.storage.store_error import StoreError

_ATTEMPT = re.compile(r"(?P<stem>[0-9a-f]{16}-s\d+)-a(?P<attempt>\d+)")


def attempts(layout: SweepLayout, key: RunKey) -> list[int]:
    """The numbers of the attempts that were started at a run, in order: from 1, without gaps.

    They are looked for by name: a listing would take time with all runs of the sweep, and it is asked for every run.
    """
    return list(takewhile(lambda attempt: layout.run_journal(key, attempt).exists(), count(1)))


def parse_attempt(path: Path) -> tuple[RunKey, int]:
    """The run and the attempt that a journal's file name says.

    Raises:
        ValueError: the name is not that of a run's journal.
    """
    match = _ATTEMPT.fullmatch(path.stem)
    if match is None:
        raise ValueError(f"not the journal of a run: {path}")
    return RunKey.parse(match["stem"]), int(match["attempt"])


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
            number: the configuration's number among the proposals, none for contenders.
            config: the whole configuration as plain JSON values.
            values: the searched parameters that the proposal set, by dotted path. None: every searched
                parameter is looked up in `config`. Give it, and a conditional parameter that was not drawn
                stays empty in the tables, even where the configuration has a default for it.
            parameters: the number of trainable parameters.
            device: what it trains on (`cpu`, `cuda:0`).
            notes: what a reader of the record should know, such as "ALBERT with fresh weights".
            host: the machine's name, by default this one's.
            gpus: how many GPUs, or which share of one, the attempt takes.
            reused_from: the sweep whose records the rows are copied from; none: this attempt trains.
            software: what trained it (see `results.records.provenance.run_software`), by default this process's.

        Raises:
            JournalError: the journal cannot be written.
        """
        earlier = attempts(layout, key)
        attempt = max(earlier, default=0) + 1
        while True:
            try:
                journal = Journal.create(layout.run_journal(key, attempt), layout.store.push)
                break
            except FileExistsError:  # another process began this attempt between our look and our step
                attempt += 1
        for old in earlier:
            # A killed attempt leaves its ballast behind.
            path = layout.run_journal(key, old)
            path.with_name(f".{path.name}.ballast").unlink(missing_ok=True)
        run = cls(journal, key, attempt)
        run._append(
            "start",
            {
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
        """Add an epoch; when this returns it is durable. `row` has `epoch` (from 1) and columns of the epochs
        table.

        Raises:
            JournalError: the row cannot be written.
            ValueError: the row has no `epoch`.
        """
        if not isinstance(row.get("epoch"), int):
            raise ValueError(f"the row of an epoch needs an integer 'epoch', given {row.get('epoch')!r}")
        self._append("epoch", row)

    def end(self, state: RunState, reason: str = "", **extra: Any) -> None:
        """Write the end line and close the journal.

        Args:
            state: the final state, or `interrupted`; `running` and `lost` are what a missing end means.
            reason: in words, for states other than finished.
            extra: further JSON values for the line (such as peak memory); they stay in the journal.

        Raises:
            JournalError: the line cannot be written.
            StoreError: it is written here, but not in the store.
            ValueError: the state is not one that is written.
        """
        if not state.is_written:
            raise ValueError(f"an attempt does not end as {state.value!r}")
        try:
            self._append("end", {**extra, "state": state.value, "reason": reason})
        except StoreError:
            self._ended = True  # it is in the file, and nothing may follow it
            self.close()
            raise
        self._ended = True
        self.close()

    @property
    def ended(self) -> bool:
        """Whether the end line is written."""
        return self._ended

    def close(self) -> None:
        """Stop writing without an end line: the run counts as lost, and a resumed sweep starts it again."""
        self._journal.close()

    def _append(self, kind: str, row: Mapping[str, Any]) -> None:
        self._journal.append({**row, "kind": kind, "time": now()})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
