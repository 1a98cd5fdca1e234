"""Damaged tables: built anew from the journals, or an error. Never other values."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import handmade
import pandas as pd
import pyarrow.parquet as pq
import pytest
from bit_flips import flipped, flips

from causalmer_core.basics.digests import DamagedFileError, digested
from causalmer_core.basics.errors import UserError
from results.records import compaction, dataset
from results.records.compaction import compact, table_damages, table_file
from results.records.dataset import open_sweep
from results.records.layout import TABLES, SweepLayout
from results.records.schemas import SCHEMA_VERSION

FLIPS = 40


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layout = handmade.whole_sweep(tmp_path_factory.mktemp("template"))
    compact(layout)
    return layout.root


@pytest.fixture
def layout(template: Path, tmp_path: Path) -> SweepLayout:
    return SweepLayout(shutil.copytree(template, tmp_path / template.name))


@pytest.fixture
def in_small_groups(layout: SweepLayout, monkeypatch: pytest.MonkeyPatch) -> SweepLayout:
    """The epochs in many row groups."""
    monkeypatch.setattr(compaction, "ROW_GROUP_ROWS", 8)
    compact(layout)
    return layout


def tables(layout: SweepLayout) -> dict[str, pd.DataFrame]:
    results = open_sweep(layout)
    return {name: getattr(results, name) for name in TABLES}


def same(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> bool:
    return all(found[name].equals(expected[name]) for name in TABLES)


def read_or_error(layout: SweepLayout, name: str) -> pd.DataFrame | DamagedFileError:
    try:
        found: pd.DataFrame = getattr(open_sweep(layout), name)
    except DamagedFileError as error:
        return error
    return found


@pytest.mark.parametrize("name", ["runs", "evaluations"])
def test_no_flipped_bit_of_a_small_table_changes_what_is_read(layout: SweepLayout, name: str) -> None:
    expected, path = tables(layout)[name], table_file(layout, name)
    for changed in flips(path.read_bytes(), FLIPS):
        path.write_bytes(changed)
        pd.testing.assert_frame_equal(getattr(open_sweep(layout), name), expected)


def test_no_flipped_bit_of_the_checksums_changes_what_is_read(layout: SweepLayout) -> None:
    expected, path = tables(layout), layout.table_checksums
    for changed in flips(path.read_bytes(), FLIPS // 2):
        path.write_bytes(changed)
        assert same(tables(layout), expected)


def test_no_flipped_bit_of_the_epochs_is_read_as_another_value(layout: SweepLayout) -> None:
    """In the footer they are built anew, in a row group the error says so."""
    expected, path = tables(layout)["epochs"], table_file(layout, "epochs")
    content, errors = path.read_bytes(), 0
    for changed in flips(content, FLIPS):
        path.write_bytes(changed)
        found = read_or_error(layout, "epochs")
        if isinstance(found, DamagedFileError):
            errors += 1
        else:
            pd.testing.assert_frame_equal(found, expected)
    assert 0 < errors < FLIPS


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("damage", ["removed", "emptied", "cut", "longer", "foreign", "of another table"])
def test_a_table_that_is_not_the_one_written_is_built_anew(
    layout: SweepLayout, name: str, damage: str, tmp_path: Path
) -> None:
    expected, path = tables(layout), table_file(layout, name)
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    elif damage in ("foreign", "of another table"):
        other = handmade.empty_sweep(tmp_path, "other")
        handmade.finish(other, "1", 0)
        compact(other)
        source = (
            table_file(other, name) if damage == "foreign" else table_file(layout, TABLES[name == TABLES[0]])
        )
        shutil.copy(source, path)
    else:
        path.write_bytes({"emptied": b"", "cut": content[:-9], "longer": content + b"\0"}[damage])
    assert same(tables(layout), expected)
    assert path.read_bytes() == content


def test_a_table_of_an_earlier_state_is_built_anew_even_beside_newer_ones(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.finish(layout, "0", 0)
    compact(layout)
    old = {name: table_file(layout, name).read_bytes() for name in TABLES}
    handmade.finish(layout, "1", 0)
    compact(layout)
    for name in TABLES:
        table_file(layout, name).write_bytes(old[name])
        assert len(open_sweep(layout).runs) == 2
        assert len(open_sweep(layout).epochs) == 8


def test_tables_without_checksums_are_built_anew(layout: SweepLayout) -> None:
    """As older versions wrote them."""
    expected = tables(layout)
    layout.table_checksums.unlink()
    path = table_file(layout, "epochs")
    path.write_bytes(flipped(path.read_bytes(), 100))
    assert same(tables(layout), expected)
    assert layout.table_checksums.exists()


def test_a_damaged_table_in_a_folder_that_cannot_be_written_is_built_in_memory(
    layout: SweepLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tables(layout)
    path = table_file(layout, "runs")
    damaged = flipped(path.read_bytes(), 100)
    path.write_bytes(damaged)
    monkeypatch.setattr(dataset.os, "access", lambda *_: False)
    assert same(tables(layout), expected)
    assert path.read_bytes() == damaged


def test_damaged_epochs_are_named_with_their_place_and_the_remedy_that_mends_them(
    layout: SweepLayout,
) -> None:
    expected, path = tables(layout), table_file(layout, "epochs")
    path.write_bytes(flipped(path.read_bytes(), 100))
    results = open_sweep(layout)
    assert results.runs.equals(expected["runs"])
    message = r"epochs\.parquet is damaged: row group 0 \(bytes 0 to \d+\).*'causalmer results compact SWEEP'"
    with pytest.raises(DamagedFileError, match=message):
        _ = results.epochs
    with pytest.raises(DamagedFileError, match=message):
        results.curve(handmade.config_id("1"), 0)
    compact(layout)
    assert same(tables(layout), expected)


def test_every_damage_is_listed_and_nothing_is_written(layout: SweepLayout) -> None:
    assert table_damages(layout) == []
    table_file(layout, "runs").unlink()
    path = table_file(layout, "epochs")
    path.write_bytes(flipped(path.read_bytes(), 100))
    found = [(Path(error.where).name, error.what[:11]) for error in table_damages(layout)]
    assert found == [("epochs.parquet", "row group 0"), ("runs.parquet", "it is missi")]
    with handmade.begin(layout, "0", 9):
        assert table_damages(layout) == []  # out of date
    layout.table_checksums.write_bytes(b"{}")
    assert [error.where for error in table_damages(layout)] == [str(layout.table_checksums)]
    layout.table_checksums.unlink()
    assert table_damages(layout) == []
    assert not table_file(layout, "runs").exists()


def test_a_curve_needs_only_its_own_row_groups_to_be_whole(in_small_groups: SweepLayout) -> None:
    layout, path = in_small_groups, table_file(in_small_groups, "epochs")
    expected = open_sweep(layout)
    first, last = expected.epochs["config_id"].iloc[0], expected.epochs["config_id"].iloc[-1]
    seed = int(expected.epochs["seed"].iloc[-1])
    curve = expected.curve(last, seed)
    path.write_bytes(flipped(path.read_bytes(), 100))
    found = open_sweep(layout)
    pd.testing.assert_frame_equal(found.curve(last, seed), curve)
    with pytest.raises(DamagedFileError, match="row group 0"):
        found.curve(first, int(expected.epochs["seed"].iloc[0]))


def test_tables_of_a_newer_version_are_told_and_never_written_over(layout: SweepLayout) -> None:
    tree: dict[str, Any] = json.loads(layout.table_checksums.read_text())
    tree = {**tree, "schema_version": SCHEMA_VERSION + 1, "journals": "0" * 64}
    del tree["sha256"]
    layout.table_checksums.write_text(digested(tree))
    assert_told_and_kept(layout)


def test_a_newer_version_is_told_where_only_the_table_has_it(layout: SweepLayout) -> None:
    layout.table_checksums.unlink()
    path = table_file(layout, "runs")
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, b"causalmer_schema_version": str(SCHEMA_VERSION + 1).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    assert_told_and_kept(layout)


def assert_told_and_kept(layout: SweepLayout) -> None:
    before = {name: table_file(layout, name).read_bytes() for name in TABLES}
    message = f"table schema {SCHEMA_VERSION + 1} was written by a newer causalmer"
    with pytest.raises(UserError, match=message):
        open_sweep(layout)
    with pytest.raises(UserError, match=message):
        compact(layout)
    assert {name: table_file(layout, name).read_bytes() for name in TABLES} == before
