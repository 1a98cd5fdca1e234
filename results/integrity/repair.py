"""The repair with which a damaged sweep continues.

Nothing that is whole is lost, and nothing damaged is believed.

A damaged file is kept beside its repair, as `NAME.damaged`. The repaired journal has the rows that are whole and a
line that tells of the repair. A run with a damaged journal gets a further attempt and is trained again; training is a
function of the configuration and the seed, so the same rows come back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from causalmer_core.basics.digests import DamagedFileError, digested, open_digested_text
from causalmer_core.basics.files import write_bytes, write_text
from results.integrity.damage import Damage, damaged_journals, readable_seals
from results.ranking.selection import read_selection
from results.records.histories import RunHistory, read_run, read_runs
from results.records.layout import SweepLayout
from results.records.manifest import first_seal, parse_manifest, read_sweep_manifest, text_digest
from results.records.run_journal import RunJournal, misplaced_row, parse_attempt
from results.records.schemas import RunState
from results.records.seals import Seals, removed_row, seal_row, seal_rows
from results.storage.journal import REPAIRED, append_rows, encode_line, now, scan_journal

Rows = Sequence[dict[str, Any]]


def repair(layout: SweepLayout, notify: Callable[[str], None]) -> None:
    """Repair the journals and the selection of a sweep, so that it can continue. Without damage nothing is written.

    The caller holds the sweep's lock.

    Args:
        layout: the sweep's folder.
        notify: called with a text for each damaged file.

    Raises:
        DamagedFileError: the manifest is damaged.
        JournalError, OSError: a repair cannot be written.
        StoreError: the object store does not answer.
    """
    seals, damage = readable_seals(layout)
    if damage is not None:
        notify(_told(damage))
        begin = first_seal(read_sweep_manifest(layout), seals.files)
        _replace(damage, layout, [begin, *seal_rows(seals)], 0)
    found = list(damaged_journals(layout, seals))
    for damage in found:
        notify(_told(damage))
        if damage.key is not None:
            _repair_attempt(damage, layout, seals)
    for key in {damage.key for damage in found if damage.key is not None}:
        run = read_run(layout, key, gaps=True)
        if run is not None and run.state.is_final:
            _reopen(layout, run)
    for damage in found:
        if damage.key is None:
            _repair_other(damage, layout, seals)
    try:
        read_selection(layout)
    except DamagedFileError as error:
        notify(f"repair: {error}")
        if layout.selection.exists():
            layout.selection.replace(_beside(layout.selection))
            layout.store.remove(layout.selection)
        append_rows(layout.seals, [removed_row(layout.selection.name)])


def restore_manifest(layout: SweepLayout, notify: Callable[[str], None]) -> None:
    """Restore a damaged, missing or foreign manifest from the copy in the seals. Without damage nothing is written.

    Args:
        layout: the folder of a sweep that has begun.
        notify: called with a text if the manifest is restored.

    Raises:
        DamagedFileError: the manifest is damaged, and the seals have no copy of it.
        UserError: the manifest or its copy is of a newer version.
    """
    copies = [
        row["manifest"] for row in scan_journal(layout.seals).rows if isinstance(row.get("manifest"), dict)
    ]
    found, what = None, "it was missing"
    if layout.manifest.exists():
        try:
            found = read_sweep_manifest(layout).sweep_id
            what = f"it was of the sweep {found}"
        except DamagedFileError as error:
            if not copies:
                raise
            what = error.what
    if not copies or copies[-1].get("sweep_id") == found:
        return
    if found is not None and not _belongs(layout, copies[-1]):
        return  # the seals are the foreign ones
    text = digested(copies[-1])
    parse_manifest(text.encode(), str(layout.seals))
    if layout.manifest.exists():
        layout.manifest.replace(_beside(layout.manifest))
    write_text(layout.manifest, text)
    layout.store.push(layout.manifest)
    notify(f"repair: {layout.manifest} is restored from the seals: {what}")


def _belongs(layout: SweepLayout, manifest: dict[str, Any]) -> bool:
    """Whether the copy of the sweep's file is the one that a manifest names."""
    try:
        text = open_digested_text(layout.spec.read_bytes(), layout.spec, remedy="")
    except (OSError, DamagedFileError):
        return False
    return text_digest(text) in manifest.get("spec_sha256", ())


def _told(damage: Damage) -> str:
    return f"repair: {damage.path} is damaged: {damage.what}; the sweep {damage.resume_does}"


def _repair_attempt(damage: Damage, layout: SweepLayout, seals: Seals) -> None:
    """Keep the epochs before the damage, and end the attempt there."""
    key, number = parse_attempt(damage.path)
    kept: list[dict[str, Any]] = []
    for row in scan_journal(damage.path, seals.of(layout, damage.path)).rows:
        if row.get("kind") == "end" or misplaced_row([*kept, row], key, number):
            break
        kept.append(row)
    end = {
        "kind": "end",
        "state": RunState.INTERRUPTED.value,
        "reason": f"its journal was damaged: {damage.what}",
    }
    _replace(damage, layout, kept, _size(layout, damage.path, seals), end if kept else None)


def _reopen(layout: SweepLayout, run: RunHistory) -> None:
    """Put on record that a run is not over, by a further attempt that is interrupted at once."""
    with RunJournal.begin(
        layout,
        run.key,
        phase=run.phase,
        role=run.role,
        number=run.number,
        config=run.config,
        values=run.values,
        parameters=run.parameters,
        device=run.device,
        notes=run.notes,
        host=run.host,
    ) as journal:
        journal.end(RunState.INTERRUPTED, "to be trained again: a journal of it was damaged")


def _repair_other(damage: Damage, layout: SweepLayout, seals: Seals) -> None:
    scan = scan_journal(damage.path, seals.of(layout, damage.path))
    size = _size(layout, damage.path, seals)
    if damage.path != layout.proposals:
        rows = [row for row in (*scan.rows, *scan.rows_behind) if isinstance(row.get("kind"), str)]
        _replace(damage, layout, rows, size)
        return
    # The order of proposals counts, so those behind the damage are taken from the runs that they led to.
    rows = scan.rows
    values = {run.number: run.values for run in read_runs(layout) if run.phase == "search"}
    for number in count(sum(row.get("kind") == "proposal" for row in rows)):
        if number not in values:
            break
        rows = [*rows, {"kind": "proposal", "number": number, "values": values[number]}]
    _replace(damage, layout, rows, size)


def _replace(
    damage: Damage, layout: SweepLayout, rows: Rows, least: int, last: dict[str, Any] | None = None
) -> None:
    """Put a journal of these rows in the place of a damaged one, which is kept beside it.

    Args:
        damage: the damaged journal.
        layout: the sweep's folder.
        rows: the rows.
        least: the length in bytes that the journal once had.
        last: the line that tells of the repair. None: a line of the kind `repaired`.
    """
    path = damage.path
    mark = {**(last or {"kind": REPAIRED, "what": damage.what}), "time": now()}
    if path.exists():
        beside = _beside(path)
        shutil.copyfile(path, beside)
        layout.store.push(beside)
        mark["kept"] = beside.name
    content = b"".join(map(encode_line, [*rows, mark]))
    # Object stores and their working copies take the longer of two journals, because journals only grow.
    missing = max(least, path.stat().st_size if path.exists() else 0) + 1 - len(content)
    if missing > 0:
        content = b"".join(map(encode_line, [*rows, {**mark, "pad": " " * missing}]))
    write_bytes(path, content)
    layout.store.push(path)
    if path != layout.seals:
        append_rows(layout.seals, [seal_row(layout, path, ended=damage.key is not None)])


def _size(layout: SweepLayout, path: Path, seals: Seals) -> int:
    seal = seals.of(layout, path)
    return 0 if seal is None else seal.size


def _beside(path: Path) -> Path:
    """The first free name for a damaged file beside its repair."""
    names = (path.with_name(f"{path.name}.damaged{'' if n == 1 else f'-{n}'}") for n in count(1))
    return next(name for name in names if not name.exists())
