"""Opening a sweep: always what the journals say, and a helpful word where there is none."""

from __future__ import annotations

from pathlib import Path

import handmade
import pandas as pd
import pytest

from causalmer_core.basics.errors import UserError
from results.records import dataset
from results.records.compaction import table_file
from results.records.dataset import find_sweep, open_sweep
from results.records.schemas import RunState


def test_a_sweep_opens_with_its_tables_and_its_manifest(tmp_path: Path) -> None:
    layout = handmade.whole_sweep(tmp_path)
    results = open_sweep(layout.root)
    assert (len(results.runs), len(results.epochs), len(results.evaluations)) == (24, 87, 80)
    assert results.manifest.name == "handmade"
    assert set(results.runs["sweep_id"]) == {results.manifest.sweep_id}


def test_opening_sees_what_was_written_since(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    assert open_sweep(layout).runs.empty
    with handmade.begin(layout, "0", 0) as journal:
        journal.epoch(handmade.epoch_row(0.7, 1))
        assert len(open_sweep(layout).epochs) == 1
        journal.end(RunState.FINISHED)
    assert open_sweep(layout).runs["state"].tolist() == ["finished"]


def test_an_up_to_date_sweep_is_not_written_again(tmp_path: Path) -> None:
    layout = handmade.whole_sweep(tmp_path)
    open_sweep(layout)
    before = table_file(layout, "runs").stat().st_ino
    open_sweep(layout)
    assert table_file(layout, "runs").stat().st_ino == before


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = handmade.whole_sweep(tmp_path)
    monkeypatch.setattr(dataset.os, "access", lambda *_: False)
    assert len(open_sweep(layout).runs) == 24
    assert not layout.table("runs").exists()


def test_a_sweep_is_found_by_folder_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = handmade.empty_sweep(tmp_path / "causalmer_runs", "mine")
    monkeypatch.chdir(tmp_path)
    assert find_sweep(str(layout.root)).root == layout.root
    assert find_sweep("mine").root.resolve() == layout.root
    assert find_sweep("mine", storage=layout.root.parent).root == layout.root


def test_a_name_never_leads_out_of_the_storage(tmp_path: Path) -> None:
    handmade.empty_sweep(tmp_path / "elsewhere", "mine")
    (tmp_path / "storage").mkdir()
    with pytest.raises(UserError, match="no sweep"):
        find_sweep("../elsewhere/mine", storage=tmp_path / "storage")


def test_a_path_that_is_no_sweep_is_answered_with_those_nearby(tmp_path: Path) -> None:
    handmade.empty_sweep(tmp_path, "first")
    handmade.empty_sweep(tmp_path, "second")
    with pytest.raises(UserError, match=r"did you mean 'second'\?.*first, .*second"):
        find_sweep("secnd", storage=tmp_path)
    with pytest.raises(UserError, match=r"no sweep .*first, .*second"):
        open_sweep(tmp_path)
    with pytest.raises(UserError, match="sweeps found"):
        open_sweep(tmp_path / "first" / "journals")


def test_where_there_are_no_sweeps_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"causalmer run SWEEP\.yaml"):
        find_sweep("anything", storage=tmp_path)


def test_a_curve_is_the_rows_of_one_run(tmp_path: Path) -> None:
    results = open_sweep(handmade.whole_sweep(tmp_path))
    curve = results.curve(handmade.config_id("1"), 2)
    rows = results.epochs.query(f"config_id == '{handmade.config_id('1')}' and seed == 2")
    pd.testing.assert_frame_equal(curve, rows.reset_index(drop=True))
    assert curve["epoch"].tolist() == [1, 2, 3, 4]
    assert results.curve("f" * 16, 2).empty


def test_tables_are_those_of_the_moment_of_opening_whenever_they_are_read(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.finish(layout, "0", 0)
    before = open_sweep(layout)
    handmade.finish(layout, "1", 0)
    after = open_sweep(layout)
    assert (len(before.runs), len(after.runs)) == (1, 2)
    assert (len(before.epochs), len(after.epochs)) == (4, 8)
