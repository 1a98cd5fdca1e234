"""Finds the damage to a sweep's folder: every journal, table, weights file and other record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.training.trained_model import read_weights
from results.evaluation.run_weights import weights_fault
from results.ranking.selection import read_selection
from results.records.compaction import table_damages
from results.records.histories import RunHistory, check_whole, read_run
from results.records.layout import SweepLayout
from results.records.manifest import read_spec_text, read_sweep_manifest
from results.records.predictions_table import damaged_predictions
from results.records.run_journal import misplaced_row, parse_attempt, run_journal_files
from results.records.schemas import RunKey, RunState
from results.records.seals import NO_SEALS, Seals, read_sealed, seals_in, wrong_seals
from results.storage.journal import Seal, scan_journal

TRAIN_AGAIN = "trains the run again"
CHOOSE_AGAIN = "chooses again"
NEEDS_FILE = "writes it again from the sweep's YAML file"


@dataclass(frozen=True, slots=True)
class Damage:
    """A damaged file of a sweep.

    Attributes:
        path: the file.
        what: the damage, with the line where it is known.
        resume_does: what 'causalmer resume' does about it.
        key: the run that the file belongs to. None: the file is the sweep's.
    """

    path: Path
    what: str
    resume_does: str
    key: RunKey | None = None


def readable_seals(layout: SweepLayout) -> tuple[Seals, Damage | None]:
    """The seals that can be read, and the damage to their journal if there is any.

    Raises:
        UserError: the sweep's manifest cannot be read.
    """
    manifest, scan = read_sweep_manifest(layout), scan_journal(layout.seals)
    rows = [*scan.rows, *scan.rows_behind]
    if not manifest.is_sealed and not layout.seals.exists():
        return NO_SEALS, None
    what = scan.damage or wrong_seals(rows, manifest.sweep_id)
    if not what:
        return seals_in(rows), None
    # Rows of a foreign file say nothing of this sweep.
    kept = [row for row in rows if not wrong_seals([rows[0], row], manifest.sweep_id)]
    return seals_in(kept), Damage(layout.seals, what, "seals the journals anew")


def damaged_journals(layout: SweepLayout, seals: Seals) -> Iterator[Damage]:
    """The damage to the journals of runs, then to the others.

    Args:
        layout: the sweep's folder.
        seals: the seals that can be read.
    """
    proposed = 0
    for key, numbers in sorted(_numbers(layout, seals).items()):
        found = [
            Damage(path, what, TRAIN_AGAIN, key)
            for number in range(1, max(numbers) + 1)
            if (what := _attempt_damage(path := layout.run_journal(key, number), seals.of(layout, path)))
        ]
        yield from found
        run = None if found else read_run(layout, key, seals=seals, gaps=True)
        if run is not None:
            yield from _gap(layout, run)
            proposed = max(proposed, (run.number or 0) + 1 if run.phase == "search" else 0)
    for path, does in {
        layout.proposals: "proposes again what is gone",
        layout.evaluation_journal: "evaluates again what is gone; the report tells that openings may be missing",
        layout.debiasing_journal: "chooses again what is gone",
        layout.shares: "measures again what is gone",
    }.items():
        try:
            rows = read_sealed(layout, path, seals)
        except DamagedFileError as error:
            yield Damage(path, error.what, does)
            continue
        if path == layout.proposals and sum(row["kind"] == "proposal" for row in rows) < proposed:
            yield Damage(
                path, f"line {len(rows) + 1}: it is gone, and a run is of proposal {proposed - 1}", does
            )


def _attempt_damage(path: Path, seal: Seal | None) -> str:
    """What is wrong with the journal of an attempt, in words. Empty if nothing is."""
    if not path.exists():
        return "it is missing"
    scan = scan_journal(path, seal)
    return scan.damage or misplaced_row(scan.rows, *parse_attempt(path))


def find_damage(layout: SweepLayout) -> Iterator[Damage]:
    """All damage to a sweep's folder. Nothing is written.

    Raises:
        DamagedFileError: the manifest is damaged, so nothing else can be judged.
        UserError: the folder is no sweep.
        StoreError: the object store does not answer.
    """
    seals, damage = readable_seals(layout)
    if damage is not None:
        yield damage
    journals = list(damaged_journals(layout, seals))
    yield from journals
    yield from _damaged(lambda: read_spec_text(layout), NEEDS_FILE)
    yield from _damaged(lambda: read_selection(layout), CHOOSE_AGAIN)
    for error in table_damages(layout):
        yield Damage(Path(error.where), error.what, "builds the tables again from the journals")
    if damage is None and layout.evaluation_journal not in [one.path for one in journals]:
        for error in damaged_predictions(layout).values():
            yield Damage(Path(error.where), error.what, "predicts again")
    yield from _damaged_weights(layout, seals, {one.key for one in journals})


def _damaged_weights(
    layout: SweepLayout, seals: Seals, damaged: Collection[RunKey | None]
) -> Iterator[Damage]:
    """The weights and checkpoints that are not those of their runs, where the runs' journals are whole."""
    for key in sorted(_numbers(layout, seals).keys() - damaged):
        run = read_run(layout, key, seals=seals)
        if run is None:
            continue
        last, best = layout.last_checkpoint(key), layout.best_weights(key)
        # A run that ended early needs no weights, and one that has not ended may be writing them.
        if run.state is RunState.FINISHED and (fault := weights_fault(layout, run)):
            yield Damage(
                best, fault.removeprefix(f"{best.name}: "), "trains the run again if it needs its weights"
            )
        if not run.state.is_final and last.exists():
            yield from _damaged(partial(read_weights, last), "starts the run from its first epoch")


def _damaged(read: Callable[[], Any], resume_does: str) -> Iterator[Damage]:
    try:
        read()
    except DamagedFileError as error:
        yield Damage(Path(error.where), error.what, resume_does)


def _numbers(layout: SweepLayout, seals: Seals) -> Mapping[RunKey, set[int]]:
    """The numbers of the attempts at each run that are there or sealed."""
    found: dict[RunKey, set[int]] = {}
    there = run_journal_files(layout)
    sealed = [layout.journals / name for name in seals.journals if name.startswith("runs/")]
    for path in {*there, *sealed}:
        key, number = parse_attempt(path)
        found.setdefault(key, set()).add(number)
    return found


def _gap(layout: SweepLayout, run: RunHistory) -> Iterator[Damage]:
    try:
        check_whole(layout, run)
    except DamagedFileError as error:
        yield Damage(Path(error.where), error.what, TRAIN_AGAIN, run.key)
