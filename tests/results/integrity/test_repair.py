"""A repair keeps what is whole, keeps the damaged file beside it, and leaves nothing damaged behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import handmade
import pytest

from causalmer_core.basics.errors import UserError
from results.integrity.damage import Damage, find_damage
from results.integrity.repair import repair, restore_manifest
from results.ranking.selection import read_selection, select
from results.records.dataset import open_sweep
from results.records.histories import read_run, read_runs
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.schemas import RunKey, RunState
from results.records.seals import read_sealed, read_seals, seal_all
from results.storage.journal import Journal, encode_line, read_journal, scan_journal

WINNER = RunKey(handmade.config_id(handmade.WINNER), handmade.SEARCH_SEED)
OTHER = RunKey(handmade.config_id("1"), handmade.SEARCH_SEED)
PROPOSALS = [
    {"kind": "proposal", "number": number, "values": {"model.fusion": "mask"}} for number in range(6)
]


@pytest.fixture
def layout(tmp_path: Path) -> SweepLayout:
    layout = handmade.whole_sweep(tmp_path)
    with Journal.open(layout.proposals) as journal:
        for row in PROPOSALS:
            journal.append(row)
    select(open_sweep(layout))
    seal_all(layout)
    assert damaged(layout) == []
    return layout


def damaged(layout: SweepLayout) -> list[Damage]:
    """What is damaged. A handmade sweep has no weights."""
    return [one for one in find_damage(layout) if one.what != "no weights"]


def mended(layout: SweepLayout) -> list[str]:
    """Repair; nothing is damaged afterwards, and a second repair does nothing."""
    told: list[str] = []
    repair(layout, told.append)
    assert damaged(layout) == []
    again: list[str] = []
    repair(layout, again.append)
    assert again == []
    seal_all(layout)
    read_runs(layout)
    return told


def flip(path: Path, line: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1][:-4] + b"?" + lines[line - 1][-3:]
    path.write_bytes(b"".join(lines))


def test_without_damage_nothing_is_written(layout: SweepLayout) -> None:
    before = {path: path.read_bytes() for path in layout.root.rglob("*") if path.is_file()}
    repair(layout, pytest.fail)
    assert {path: path.read_bytes() for path in layout.root.rglob("*") if path.is_file()} == before


def test_the_epochs_before_the_damage_are_kept_and_the_run_is_open_again(layout: SweepLayout) -> None:
    path = layout.run_journal(WINNER, 1)
    before, size = read_run(layout, WINNER), path.stat().st_size
    flip(path, 4)
    damaged = path.read_bytes()
    (told,) = mended(layout)
    assert (
        f"{path.name} is damaged: line 4: its checksum does not match; the sweep trains the run again" in told
    )
    assert path.with_name(f"{path.name}.damaged").read_bytes() == damaged
    after = read_run(layout, WINNER)
    assert before is not None
    assert after is not None
    assert after.state is RunState.INTERRUPTED
    assert after.epochs == before.epochs[:2]
    assert path.stat().st_size > size


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: flip(path, 1)], ids="abc"
)
def test_a_journal_of_which_nothing_is_left_leaves_a_run_that_never_began(
    layout: SweepLayout, damage: Callable[[Path], object]
) -> None:
    damage(layout.run_journal(WINNER, 1))
    mended(layout)
    assert read_run(layout, WINNER) is None
    with handmade.begin(layout, handmade.WINNER, handmade.SEARCH_SEED) as journal:
        assert journal.attempt == 2


def test_swapped_journals_are_both_trained_again(layout: SweepLayout) -> None:
    one, other = layout.run_journal(WINNER, 1), layout.run_journal(OTHER, 1)
    content = one.read_bytes()
    shutil.copyfile(other, one)
    other.write_bytes(content)
    assert len(mended(layout)) == 2
    assert read_run(layout, WINNER) is read_run(layout, OTHER) is None


def test_a_doubled_journal_does_not_cost_the_run(layout: SweepLayout) -> None:
    before = read_run(layout, WINNER)
    shutil.copyfile(layout.run_journal(WINNER, 1), layout.run_journal(WINNER, 2))
    mended(layout)
    after = read_run(layout, WINNER)
    assert before is not None
    assert after is not None
    assert (after.epochs, after.score) == (before.epochs, before.score)


def test_damage_to_an_earlier_attempt_opens_a_run_that_a_later_attempt_had_ended(layout: SweepLayout) -> None:
    key = next(key for key in (run.key for run in read_runs(layout)) if layout.run_journal(key, 2).exists())
    layout.run_journal(key, 1).unlink()
    mended(layout)
    found = read_run(layout, key)
    assert found is not None
    assert found.state is RunState.INTERRUPTED
    assert found.attempts == 3


def test_proposals_behind_the_damage_come_back_from_their_runs(layout: SweepLayout) -> None:
    flip(layout.proposals, 3)
    mended(layout)
    rows = [row for row in read_sealed(layout, layout.proposals) if row["kind"] == "proposal"]
    runs = {run.number: run.values for run in read_runs(layout) if run.phase == "search"}
    assert rows[:2] == PROPOSALS[:2]
    assert [row["values"] for row in rows[2:]] == [runs[number] for number in range(2, len(rows))]
    assert len(rows) == len(PROPOSALS)


def test_the_ledger_keeps_its_whole_lines_and_tells_of_the_repair(layout: SweepLayout) -> None:
    before = read_journal(layout.evaluation_journal)
    flip(layout.evaluation_journal, 3)
    mended(layout)
    after = read_sealed(layout, layout.evaluation_journal)
    assert after[:-1] == before[:2] + before[3:]
    assert after[-1]["kind"] == "repaired"
    assert after[-1]["kept"] == "evaluations.jsonl.damaged"
    open_sweep(layout)


def test_a_ledger_that_is_gone_is_told(layout: SweepLayout) -> None:
    layout.evaluation_journal.unlink()
    mended(layout)
    (row,) = read_sealed(layout, layout.evaluation_journal)
    assert row["kind"] == "repaired"


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: flip(path, 2)], ids="abc"
)
def test_the_seals_are_made_anew(layout: SweepLayout, damage: Callable[[Path], object]) -> None:
    before = read_seals(layout).journals
    damage(layout.seals)
    mended(layout)
    assert read_seals(layout).journals.keys() == before.keys()


def test_a_damaged_selection_is_set_aside_and_a_missing_one_forgotten(layout: SweepLayout) -> None:
    layout.selection.write_bytes(b"{")
    mended(layout)
    assert read_selection(layout) is None
    assert layout.selection.with_name("selection.json.damaged").read_bytes() == b"{"
    chosen = select(open_sweep(layout))
    layout.selection.unlink()
    mended(layout)
    assert read_selection(layout) is None
    assert select(open_sweep(layout)).config_id == chosen.config_id


def test_a_second_damage_keeps_both_damaged_files(layout: SweepLayout) -> None:
    path = layout.run_journal(WINNER, 1)
    for _ in range(2):
        flip(path, 2)
        mended(layout)
    assert {p.name for p in path.parent.glob(f"{path.name}.*")} == {
        f"{path.name}.damaged",
        f"{path.name}.damaged-2",
    }


def test_a_row_that_was_never_a_record_is_damage(layout: SweepLayout) -> None:
    with layout.debiasing_journal.open("ab") as file:
        file.write(encode_line({"no": "kind"}))
    (found,) = damaged(layout)
    assert found.what.endswith("it is no record")
    mended(layout)
    assert "no" not in scan_journal(layout.debiasing_journal).rows[-1]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", None])
def test_a_damaged_manifest_is_restored_from_the_seals(layout: SweepLayout, content: bytes | None) -> None:
    before = read_sweep_manifest(layout)
    if content is None:
        layout.manifest.unlink()
    else:
        layout.manifest.write_bytes(content)
    told: list[str] = []
    restore_manifest(layout, told.append)
    assert len(told) == 1
    assert read_sweep_manifest(layout) == before
    restore_manifest(layout, pytest.fail)
    assert damaged(layout) == []


def test_another_sweeps_manifest_is_replaced_and_another_sweeps_seals_are_not_believed(
    layout: SweepLayout, tmp_path: Path
) -> None:
    other = handmade.empty_sweep(tmp_path, "other")
    before, seals = layout.manifest.read_bytes(), layout.seals.read_bytes()
    shutil.copyfile(other.manifest, layout.manifest)
    told: list[str] = []
    restore_manifest(layout, told.append)
    assert "it was of the sweep other-" in told[0]
    assert layout.manifest.read_bytes() == before
    shutil.copyfile(other.seals, layout.seals)
    restore_manifest(layout, pytest.fail)
    assert layout.manifest.read_bytes() == before
    mended(layout)
    assert read_seals(layout).journals.keys() >= {"evaluations.jsonl"}
    assert len(layout.seals.read_bytes()) > len(other.seals.read_bytes()) != len(seals)


def test_a_newer_manifest_is_never_replaced(layout: SweepLayout) -> None:
    handmade.redigested(layout.manifest, manifest_version=99)
    with pytest.raises(UserError, match="newer causalmer"):
        restore_manifest(layout, pytest.fail)


def test_a_proposal_that_is_gone_is_known_by_its_run(layout: SweepLayout) -> None:
    """A kill leaves the last proposals without a seal."""
    before = layout.proposals.read_bytes()
    lines = layout.seals.read_bytes().splitlines(keepends=True)
    layout.seals.write_bytes(b"".join(line for line in lines if b"proposals.jsonl" not in line))
    layout.proposals.write_bytes(b"".join(before.splitlines(keepends=True)[:4]))
    (found,) = damaged(layout)
    assert found.what == "line 5: it is gone, and a run is of proposal 5"
    mended(layout)
    rows = [row for row in read_sealed(layout, layout.proposals) if row["kind"] == "proposal"]
    assert [row["number"] for row in rows] == list(range(6))


def test_a_journal_that_lost_lines_is_not_sealed_over(layout: SweepLayout) -> None:
    lines = layout.proposals.read_bytes().splitlines(keepends=True)
    layout.proposals.write_bytes(b"".join(lines[:-1]))
    seal_all(layout)
    assert [one.path for one in damaged(layout)] == [layout.proposals]
