"""The tables: a pure function of the journals, whole at every moment, read by every reader."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import handmade
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from results.records.compaction import build_tables, compact, stored_tables, table_file
from results.records.layout import TABLES, SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.schemas import SCHEMA_VERSION, epochs_schema, evaluations_schema, runs_schema
from results.storage.journal import Journal
from results.storage.locks import exclusive_lock


@pytest.fixture
def layout(tmp_path: Path) -> SweepLayout:
    return handmade.whole_sweep(tmp_path)


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "pandas": pd.read_parquet,
    "pyarrow": lambda folder: pq.read_table(folder).to_pandas(),
    "duckdb": lambda folder: (
        duckdb.sql(f"select * from read_parquet('{folder}/*.parquet')").to_arrow_table().to_pandas()
    ),
    "polars": lambda folder: pd.DataFrame(
        polars.read_parquet(f"{folder}/*.parquet").to_dict(as_series=False)
    ),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("table", TABLES)
def test_every_reader_reads_a_table_beside_half_a_hidden_file(
    layout: SweepLayout, table: str, reader: str
) -> None:
    compact(layout)
    (layout.table(table) / f".{table}.parquet.1.tmp").write_bytes(b"PAR1 and no more")
    frame = READERS[reader](layout.table(table))
    expected = build_tables(layout)[table]
    assert list(frame.columns) == expected.column_names
    assert len(frame) == expected.num_rows > 0
    column = {"epochs": "valid_accuracy", "runs": "score", "evaluations": "accuracy"}[table]
    assert frame[column].tolist() == pytest.approx(expected[column].to_pandas().tolist(), nan_ok=True)


def test_the_tables_say_the_truth(layout: SweepLayout) -> None:
    compact(layout)
    runs = pd.read_parquet(layout.table("runs"))
    finished = runs[runs["state"] == "finished"]
    names = {handmade.config_id(name): name for name in handmade.SCORES}
    scores = {
        (names[c], s): v
        for c, s, v in zip(finished["config_id"], finished["seed"], finished["score"], strict=True)
    }
    expected = {
        (name, seed): score
        for name, seeds in handmade.SCORES.items()
        if name != "4"
        for seed, score in seeds.items()
    }
    assert scores == pytest.approx(expected)
    assert runs["state"].value_counts().to_dict() == {"finished": 21, "failed": 1, "nan": 1, "pruned": 1}
    assert finished["valid_weighted_f1"].tolist() == pytest.approx(
        [value - 0.01 for value in finished["score"]]
    )
    epochs = pd.read_parquet(layout.table("epochs"))
    assert len(epochs) == 21 * 4 + 3
    assert not epochs.duplicated(["config_id", "seed", "epoch"]).any()


def test_rows_are_sorted_by_configuration_seed_and_epoch(layout: SweepLayout) -> None:
    compact(layout)
    order = ["config_id", "seed", "epoch"]
    epochs = pd.read_parquet(layout.table("epochs"))[order]
    pd.testing.assert_frame_equal(epochs, epochs.sort_values(order, ignore_index=True))


def test_schemas_are_explicit_whatever_the_values(tmp_path: Path) -> None:
    """Without a row, with whole numbers for floats, with columns that are null throughout."""
    empty = handmade.empty_sweep(tmp_path, "empty")
    integers = handmade.empty_sweep(tmp_path, "integers")
    with handmade.begin(integers, "0", 0) as journal:
        journal.epoch(
            {**handmade.epoch_row(0.5, 1), "valid_accuracy": 1, "seconds": 2, "unknown": "stays behind"}
        )
    for layout in (empty, integers):
        compact(layout)
        manifest = read_sweep_manifest(layout)
        expected = {
            "epochs": epochs_schema(manifest.valid_metrics),
            "runs": runs_schema(manifest.parameter_columns, manifest.valid_metrics),
            "evaluations": evaluations_schema(manifest.test_metrics),
        }
        for name, schema in expected.items():
            stored = pq.read_schema(table_file(layout, name))
            assert stored.equals(schema)
            assert stored.metadata[b"causalmer_schema_version"] == str(SCHEMA_VERSION).encode()


def test_a_value_of_the_wrong_type_is_refused_with_its_column(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    with handmade.begin(layout, "0", 0) as journal:
        journal.epoch({**handmade.epoch_row(0.5, 1), "valid_loss": "low"})
    with pytest.raises(ValueError, match="column 'valid_loss'"):
        compact(layout)


def test_a_nan_metric_stays_nan_and_an_absent_one_is_null(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    with handmade.begin(layout, "0", 0) as journal:
        row = handmade.epoch_row(0.5, 1)
        del row["constant_text"]
        journal.epoch({**row, "valid_loss": float("nan")})
    epochs = build_tables(layout)["epochs"]
    assert epochs["valid_loss"].null_count == 0
    assert epochs["constant_text"].null_count == 1


def test_equal_journals_give_equal_bytes(layout: SweepLayout) -> None:
    compact(layout)
    first = {name: table_file(layout, name).read_bytes() for name in TABLES}
    for name in TABLES:
        table_file(layout, name).unlink()
    compact(layout)
    assert {name: table_file(layout, name).read_bytes() for name in TABLES} == first


def test_a_repeated_evaluation_counts_once_with_its_last_value(layout: SweepLayout) -> None:
    before = build_tables(layout)["evaluations"].num_rows
    again = handmade.evaluation("paper", handmade.config_id("paper"), 1, "tav", 0.123)
    with Journal.open(layout.evaluation_journal) as journal:
        journal.append(again)
    after = build_tables(layout)["evaluations"]
    assert after.num_rows == before
    assert 0.123 in after["accuracy"].to_pylist()


def test_tables_are_stale_as_soon_as_a_journal_grows_or_the_driver_comes_or_goes(layout: SweepLayout) -> None:
    assert stored_tables(layout) is None
    compact(layout)
    assert stored_tables(layout) is not None
    with exclusive_lock(layout.lock):
        assert stored_tables(layout) is None
    with handmade.begin(layout, "0", 9):
        assert stored_tables(layout) is None


KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow.parquet as pq
from results.records import compaction
from results.records.layout import SweepLayout
moment, events = int(sys.argv[2]), 0
def reach():
    global events
    events += 1
    if events == moment:
        os.kill(os.getpid(), signal.SIGKILL)
Writer, replace = pq.ParquetWriter, Path.replace
class Reaching(Writer):
    def write_table(self, table, **options):
        super().write_table(table, **options)
        reach()
    def close(self):
        was_open = self.is_open
        super().close()
        if was_open:
            reach()
def replaced(self, target):
    replace(self, target)
    reach()
pq.ParquetWriter, Path.replace = Reaching, replaced
compaction.compact(SweepLayout(Path(sys.argv[1])))
"""


@pytest.mark.parametrize("moment", range(1, 11))
def test_a_kill_at_any_moment_leaves_old_tables_or_new_ones(tmp_path: Path, moment: int) -> None:
    """All tables half written aside, one after another; then each whole aside, and just published."""
    layout = handmade.empty_sweep(tmp_path)
    handmade.finish(layout, "0", 0)
    compact(layout)
    old = build_tables(layout)
    handmade.finish(layout, "1", 0)
    with Journal.open(layout.evaluation_journal) as journal:
        journal.append(handmade.evaluation("paper", "0" * 16, 1, "tav", 0.5))
    new = build_tables(layout)
    command = [sys.executable, "-c", KILLED, str(layout.root), str(moment)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    for number, name in enumerate(TABLES):
        published = moment >= 5 + 2 * number
        assert pq.read_table(layout.table(name)).equals((new if published else old)[name])
    compact(layout)
    for name in TABLES:
        assert pq.read_table(layout.table(name)).equals(new[name])
        assert [path.name for path in layout.table(name).iterdir()] == [f"{name}.parquet"]


def test_a_failing_write_publishes_nothing(layout: SweepLayout, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    with pytest.raises(OSError, match="no space"):
        compact(layout)
    assert list(layout.table("epochs").iterdir()) == []


def test_parameters_are_typed_columns(layout: SweepLayout) -> None:
    runs = build_tables(layout)["runs"]
    assert runs.schema.field("model.fusion").type == pa.string()
    assert runs.schema.field("loss.beta").type == pa.float64()
    assert runs.schema.field("model.backbone.layers").type == pa.int64()
    rows = runs.filter(pa.compute.equal(runs["config_id"], handmade.config_id("0"))).to_pylist()
    assert {(row["model.fusion"], row["loss.beta"], row["model.backbone.layers"]) for row in rows} == {
        ("sum", None, 1)
    }
