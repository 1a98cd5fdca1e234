"""The seals of a sweep: no journal is lost, cut, emptied or replaced without being named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import handmade
import pytest

from causalmer_core.basics.digests import DamagedFileError
from results.records.dataset import open_sweep
from results.records.histories import read_runs
from results.records.layout import SweepLayout
from results.records.run_journal import run_journal_files
from results.records.schemas import RunKey
from results.records.seals import read_sealed, read_seals, seal_all, seal_runs
from results.storage.journal import encode_line, scan_journal

WINNER = RunKey(handmade.config_id(handmade.WINNER), handmade.SEARCH_SEED)
OTHER = RunKey(handmade.config_id("1"), handmade.SEARCH_SEED)


@pytest.fixture
def layout(tmp_path: Path) -> SweepLayout:
    layout = handmade.empty_sweep(tmp_path)
    handmade.write_runs(layout)
    handmade.write_evaluations(layout)
    seal_all(layout)
    return layout


def test_every_journal_of_a_finished_sweep_is_sealed(layout: SweepLayout) -> None:
    seals = read_seals(layout)
    assert all(seals.of(layout, path) for path in run_journal_files(layout))
    assert seals.of(layout, layout.evaluation_journal) is not None
    before = layout.seals.read_bytes()
    seal_all(layout)
    assert layout.seals.read_bytes() == before
    assert len(read_runs(layout)) > 0


def test_an_attempt_that_may_still_be_written_is_not_sealed(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    with handmade.begin(layout, "0", 0):
        seal_all(layout)
        assert not read_seals(layout).journals


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _foreign(path: Path) -> None:
    other = next(other for other in sorted(path.parent.glob("*.jsonl")) if other != path)
    shutil.copyfile(other, path)


_DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "flipped bit": (_flip, r"line \d: its checksum does not match"),
    "removed": (Path.unlink, "it is missing"),
    "emptied": (_empty, "line 1: it is gone"),
    "cut at a line": (_cut, r"line \d+: it is gone"),
    "another run's": (_foreign, "not those that were sealed|it is gone|follow the sealed end"),
    "a folder": (_folder, "cannot be read"),
}


@pytest.mark.parametrize("kind", _DAMAGE)
def test_no_conclusion_is_drawn_from_a_damaged_journal_of_a_run(layout: SweepLayout, kind: str) -> None:
    damage, message = _DAMAGE[kind]
    path = layout.run_journal(WINNER, 1)
    damage(path)
    with pytest.raises(DamagedFileError, match=rf"{path.name} is damaged: .*({message}).*'causalmer resume'"):
        open_sweep(layout)
    with pytest.raises(DamagedFileError):
        read_runs(layout)


@pytest.mark.parametrize("kind", [kind for kind in _DAMAGE if kind != "another run's"])
def test_a_damaged_ledger_of_the_test_split_is_named(layout: SweepLayout, kind: str) -> None:
    _DAMAGE[kind][0](layout.evaluation_journal)
    with pytest.raises(DamagedFileError, match=r"evaluations\.jsonl is damaged"):
        read_sealed(layout, layout.evaluation_journal)
    with pytest.raises(DamagedFileError):
        open_sweep(layout)


def test_a_run_that_was_not_sealed_yet_is_known_by_its_first_line(layout: SweepLayout) -> None:
    copy = layout.run_journal(RunKey(WINNER.config_id, 77), 1)
    shutil.copyfile(layout.run_journal(OTHER, 1), copy)
    with pytest.raises(DamagedFileError, match=f"line 1: it is of the run {OTHER.stem}, attempt 1"):
        read_runs(layout)


def test_a_doubled_journal_is_no_second_attempt(layout: SweepLayout) -> None:
    shutil.copyfile(layout.run_journal(WINNER, 1), layout.run_journal(WINNER, 2))
    with pytest.raises(DamagedFileError, match="attempt 1"):
        read_runs(layout)


def test_a_file_that_is_not_named_like_a_journal_is_none(layout: SweepLayout) -> None:
    before = read_runs(layout)
    path = layout.run_journal(WINNER, 1)
    shutil.copyfile(path, path.with_name(f"{path.stem} (1).jsonl"))
    shutil.copyfile(path, path.with_name("notes.jsonl"))
    assert read_runs(layout) == before


def test_an_ended_run_with_a_gap_in_its_epochs_is_named(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.write_runs(layout)
    path = layout.run_journal(WINNER, 1)
    rows = scan_journal(path).rows
    path.write_bytes(b"".join(map(encode_line, [rows[0], *rows[2:]])))
    with pytest.raises(DamagedFileError, match="it goes on at epoch 2, and no journal has epoch 1"):
        read_runs(layout)


@pytest.mark.parametrize("content", [b"", None, b"garbage\n"])
def test_the_seals_themselves_cannot_be_lost_unnoticed(layout: SweepLayout, content: bytes | None) -> None:
    if content is None:
        layout.seals.unlink()
    else:
        layout.seals.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"seals\.jsonl is damaged"):
        read_runs(layout)


def test_the_seals_of_another_sweep_are_refused(layout: SweepLayout, tmp_path: Path) -> None:
    other = handmade.empty_sweep(tmp_path, "other")
    shutil.copyfile(other.seals, layout.seals)
    with pytest.raises(DamagedFileError, match="it does not begin the seals of handmade-"):
        read_seals(layout)


def test_a_sweep_of_an_older_version_gets_its_seals_when_it_continues(layout: SweepLayout) -> None:
    handmade.redigested(layout.manifest, manifest_version=1)
    layout.seals.unlink()
    assert not read_seals(layout).journals
    seal_runs(layout, [WINNER])
    assert not layout.seals.exists()
    seal_all(layout)
    _cut(layout.run_journal(WINNER, 1))
    with pytest.raises(DamagedFileError, match="it is gone"):
        read_runs(layout)
