"""The table of predictions: the files that the evaluation wrote, each as it was written, or an error."""

from __future__ import annotations

import shutil
from pathlib import Path

import handmade
import pandas as pd
import pyarrow.parquet as pq
import pytest
from bit_flips import flips

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from results.records.layout import SweepLayout
from results.records.predictions_table import damaged_predictions, predictions_line, read_predictions
from results.records.schemas import SCHEMA_VERSION
from results.storage.journal import Journal

RUN = ("selected", handmade.key(handmade.WINNER, 1))
OTHER = ("undebiased", handmade.key("undebiased", 2))
REMEDY = "'causalmer resume SWEEP.yaml' or 'causalmer results evaluate SWEEP' writes it again"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layout = handmade.whole_sweep(tmp_path_factory.mktemp("template"))
    shutil.copytree(layout.root, layout.root.with_name("older"))
    handmade.write_predictions(layout)
    handmade.write_predictions(SweepLayout(layout.root.with_name("older")), listed=False)
    return layout.root.parent


@pytest.fixture
def layout(template: Path, tmp_path: Path) -> SweepLayout:
    return SweepLayout(shutil.copytree(template / "handmade", tmp_path / "handmade"))


@pytest.fixture
def older(template: Path, tmp_path: Path) -> SweepLayout:
    """The same sweep as an older version wrote it, without lines for the files."""
    return SweepLayout(shutil.copytree(template / "older", tmp_path / "older"))


def assert_damaged(layout: SweepLayout, what: str, *runs: tuple[str, object]) -> None:
    with pytest.raises(DamagedFileError, match=rf"\.parquet is damaged: .*{what}.*; {REMEDY}"):
        read_predictions(layout)
    assert set(damaged_predictions(layout)) == set(runs)


def test_no_flipped_bit_is_read(layout: SweepLayout) -> None:
    path = layout.prediction_file(*RUN)
    for changed in flips(path.read_bytes(), 60):
        path.write_bytes(changed)
        assert_damaged(layout, "do not match the SHA-256", RUN)


def test_missing_cut_and_longer_files_are_named(layout: SweepLayout) -> None:
    path = layout.prediction_file(*RUN)
    content = path.read_bytes()
    for changed in (b"", content[:-1], content + b"1"):
        path.write_bytes(changed)
        assert_damaged(layout, f"it has {len(changed)} bytes instead of {len(content)}", RUN)
    path.unlink()
    assert_damaged(layout, "it is missing", RUN)


def test_swapped_files_are_named(layout: SweepLayout) -> None:
    paths = layout.prediction_file(*RUN), layout.prediction_file(*OTHER)
    contents = [path.read_bytes() for path in paths]
    paths[0].write_bytes(contents[1])
    assert_damaged(layout, "bytes", RUN)
    paths[1].write_bytes(contents[0])
    assert_damaged(layout, "bytes", RUN, OTHER)


@pytest.mark.parametrize("sweep", ["layout", "older"])
def test_a_file_of_no_evaluated_run_is_not_part_of_the_table(
    sweep: str, request: pytest.FixtureRequest
) -> None:
    layout: SweepLayout = request.getfixturevalue(sweep)
    expected, path = read_predictions(layout).frame, layout.prediction_file(*RUN)
    shutil.copy(path, path.with_name(f"copy-of-{path.name}"))
    shutil.copy(path, layout.prediction_file("selected", handmade.key("0", 0)))
    pd.testing.assert_frame_equal(read_predictions(layout).frame, expected)
    assert damaged_predictions(layout) == {}


def test_the_last_line_of_a_file_counts(layout: SweepLayout) -> None:
    path = layout.prediction_file(*RUN)
    table = pq.read_table(path)
    with Journal.open(layout.evaluation_journal) as journal:
        pq.write_table(table.slice(1), path)
        journal.append(predictions_line(*RUN, path.read_bytes()))
    assert len(read_predictions(layout).frame) == 3 * 6 - 1


def test_files_of_older_versions_are_read_without_lines(layout: SweepLayout, older: SweepLayout) -> None:
    expected, found = read_predictions(layout), read_predictions(older)
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    assert found.task == expected.task
    older.prediction_file(*RUN).unlink()
    assert len(read_predictions(older).frame) == 3 * 5


def test_what_is_not_readable_in_an_older_version_is_damage_and_no_traceback(older: SweepLayout) -> None:
    path = older.prediction_file(*RUN)
    content = path.read_bytes()
    errors = 0
    for changed in flips(content, 60):
        path.write_bytes(changed)
        errors += len(damaged_predictions(older))
    assert errors > 0
    path.write_bytes(content[:-1])
    assert_damaged(older, "it is not readable Parquet", RUN)
    pq.write_table(pq.read_table(older.prediction_file(*OTHER)).drop_columns("sample"), path)
    assert_damaged(older, "its columns are not those", RUN)
    path.write_bytes(content)
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    assert_damaged(older, "its metadata has no valid 'causalmer_task'", RUN)


def test_a_file_of_a_newer_version_is_told(layout: SweepLayout) -> None:
    path = layout.prediction_file(*RUN)
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, b"causalmer_schema_version": str(SCHEMA_VERSION + 1).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with Journal.open(layout.evaluation_journal) as journal:
        journal.append(predictions_line(*RUN, path.read_bytes()))
    for read in (read_predictions, damaged_predictions):
        with pytest.raises(UserError, match="was written by a newer causalmer"):
            read(layout)
