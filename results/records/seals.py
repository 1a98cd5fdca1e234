"""Seals: the journals of a sweep with their lengths and checksums, so that none is lost unnoticed.

A journal's own checksums find a changed line. They cannot find a line that is gone, nor a whole file. So the driver
seals each attempt at a run when it has ended, and the other journals as far as they go, in a journal of its own. Its
first line names the sweep. The last seal of a file counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from causalmer_core.basics.digests import DamagedFileError
from results.records.layout import SweepLayout
from results.records.manifest import first_seal, read_sweep_manifest
from results.records.run_journal import attempts, parse_attempt, run_journal_files
from results.records.schemas import RunKey
from results.storage.journal import REMEDY, REPAIRED, Seal, append_rows, now, read_journal, scan_journal

_SEAL, _WRITTEN, _REMOVED = "seal", "written", "removed"
_BEGIN, _MANIFEST = "begin", "manifest"


@dataclass(frozen=True, slots=True)
class Seals:
    """The seals of a sweep.

    Attributes:
        journals: the seal of each sealed journal, by its path below the folder of journals.
        files: the names of further files that the sweep has, such as `selection.json`.
    """

    journals: Mapping[str, Seal]
    files: frozenset[str]

    def of(self, layout: SweepLayout, path: Path) -> Seal | None:
        """The seal of a journal. None if it was not sealed."""
        return self.journals.get(path.relative_to(layout.journals).as_posix())

    def missing_journals(self, layout: SweepLayout) -> list[Path]:
        """The sealed journals that are not there, sorted."""
        paths = (layout.journals / name for name in sorted(self.journals))
        return [path for path in paths if not path.exists()]


NO_SEALS = Seals({}, frozenset())


def read_seals(layout: SweepLayout) -> Seals:
    """The seals of a sweep. There are none if an older version began it and no newer one has continued it.

    Raises:
        DamagedFileError: the journal of seals is damaged, missing, or another sweep's.
        UserError: the folder is no sweep.
    """
    manifest, rows = read_sweep_manifest(layout), read_journal(layout.seals)
    if not rows and not manifest.is_sealed and not layout.seals.exists():
        return NO_SEALS
    if wrong := wrong_seals(rows, manifest.sweep_id):
        raise DamagedFileError(layout.seals, wrong, REMEDY)
    return seals_in(rows)


def read_sealed(layout: SweepLayout, path: Path, seals: Seals | None = None) -> list[dict[str, Any]]:
    """The rows of one of the sweep's journals that only the driver writes.

    Args:
        layout: the sweep's folder.
        path: the journal.
        seals: the seals. None: they are read.

    Raises:
        DamagedFileError: the journal is not what was written: lines are damaged or gone, or it is missing.
        UserError: the folder is no sweep.
    """
    seals = read_seals(layout) if seals is None else seals
    rows = read_journal(path, seals.of(layout, path))
    for line, row in enumerate(rows, start=1):
        if not isinstance(row.get("kind"), str):
            raise DamagedFileError(path, f"line {line}: it is no record", REMEDY)
    return rows


def wrong_seals(rows: Sequence[Mapping[str, Any]], sweep_id: str) -> str:
    """What is wrong with the rows of the journal of seals, in words. Empty if nothing is."""
    if not rows:
        return "it is empty or missing"
    for line, row in enumerate(rows, start=1):
        if line == 1 and (row.get("kind") != _BEGIN or row.get("sweep_id") != sweep_id):
            return f"line 1: it does not begin the seals of {sweep_id}"
        if line > 1 and row.get("kind") not in (_SEAL, _WRITTEN, _REMOVED, _MANIFEST, REPAIRED):
            return f"line {line}: it is no seal"
    return ""


def seals_in(rows: Iterable[Mapping[str, Any]]) -> Seals:
    """The seals in the rows of their journal."""
    journals: dict[str, Seal] = {}
    files: set[str] = set()
    for row in rows:
        if row.get("kind") == _SEAL:
            journals[row["file"]] = Seal(row["size"], row["crc32"], row["ended"])
        elif row.get("kind") == _WRITTEN:
            files.add(row["file"])
        elif row.get("kind") == _REMOVED:
            files.discard(row["file"])
        elif row.get("kind") == _BEGIN:
            files.update(row["files"])
    return Seals(journals, frozenset(files))


def seal_files(layout: SweepLayout, *names: str) -> None:
    """Put on record that the sweep has files, such as `selection.json`. Their digests are in the files themselves.

    Raises:
        JournalError: the seals cannot be written.
    """
    if layout.seals.exists():
        append_rows(layout.seals, [{"kind": _WRITTEN, "file": name, "time": now()} for name in names])


def seal_runs(layout: SweepLayout, keys: Iterable[RunKey]) -> None:
    """Seal the last attempts at runs that have ended. It takes no longer in a large sweep.

    Raises:
        JournalError: the seals cannot be written.
    """
    if layout.seals.exists():
        paths = [layout.run_journal(key, number) for key in keys for number in attempts(layout, key)[-1:]]
        append_rows(layout.seals, _rows(layout, paths, NO_SEALS, ended=True))


def seal_all(layout: SweepLayout) -> None:
    """Seal every journal that is not sealed as it is now: attempts that are over, the others as far as they go.

    A sweep of an older version gets its journal of seals here. Damaged journals are not sealed.

    Raises:
        DamagedFileError: the journal of seals is damaged.
        JournalError: the seals cannot be written.
    """
    seals = read_seals(layout)
    rows = [] if layout.seals.exists() else [first_seal(read_sweep_manifest(layout), ())]
    unsealed = [path for path in run_journal_files(layout) if not seals.of(layout, path)]
    rows += _rows(layout, filter(_is_over, unsealed), seals, ended=True)
    others = (layout.proposals, layout.evaluation_journal, layout.debiasing_journal, layout.shares)
    rows += _rows(layout, [path for path in others if path.exists()], seals, ended=False)
    if rows:
        append_rows(layout.seals, rows)
    layout.store.push(layout.seals)


def _is_over(path: Path) -> bool:
    """Whether no process writes to an attempt's journal any more: it has an end line, or a later attempt began."""
    key, number = parse_attempt(path)
    rows = scan_journal(path).rows
    later = path.with_name(f"{key.stem}-a{number + 1}.jsonl").exists()
    return later or bool(rows and rows[-1].get("kind") == "end")


def seal_row(layout: SweepLayout, path: Path, *, ended: bool) -> dict[str, Any]:
    """The line that seals a journal as it is now. `ended`: nothing may follow."""
    scan = scan_journal(path)
    return _as_row(path.relative_to(layout.journals).as_posix(), Seal(scan.size, scan.crc32, ended))


def seal_rows(seals: Seals) -> list[dict[str, Any]]:
    """The lines that seal journals as they were sealed before."""
    return [_as_row(name, seal) for name, seal in seals.journals.items()]


def removed_row(name: str) -> dict[str, Any]:
    """The line which says that the sweep does not have a file any more."""
    return {"kind": _REMOVED, "file": name, "time": now()}


def _as_row(name: str, seal: Seal) -> dict[str, Any]:
    return {"kind": _SEAL, "file": name, **asdict(seal)}


def _rows(
    layout: SweepLayout, paths: Iterable[Path], seals: Seals, *, ended: bool
) -> Iterator[dict[str, Any]]:
    """A seal for each undamaged journal that lacks it. A torn one that goes on waits for its next writer."""
    for path in paths:
        before = seals.of(layout, path)
        scan = scan_journal(path, before)
        seal = Seal(scan.size, scan.crc32, ended)
        if seal != before and not scan.damage and (ended or not scan.torn):
            yield _as_row(path.relative_to(layout.journals).as_posix(), seal)
