"""The tables on an object store, read by the tools that people use, without a copy of ours in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import handmade
import pandas as pd
import polars
import pyarrow.parquet as pq
import pytest
from bit_flips import flipped
from object_server import BUCKET, CREDENTIALS, ObjectServer, object_server
from pyarrow import dataset, fs

from results.records.compaction import compact
from results.records.layout import TABLES, SweepLayout
from results.records.locate import layout_at
from results.records.predictions_table import read_predictions


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ObjectServer, SweepLayout]]:
    """A whole sweep in a bucket, and the folder that it is a copy of."""
    layout = handmade.whole_sweep(tmp_path_factory.mktemp("sweep"))
    handmade.write_predictions(layout)
    compact(layout)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with object_server() as server:
            patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
            fs.copy_files(
                str(layout.root),
                f"{BUCKET}/sweep",
                source_filesystem=fs.LocalFileSystem(),
                destination_filesystem=server.files,
            )
            yield server, layout


def by_polars(server: ObjectServer, table: str) -> pd.DataFrame:
    options = {"aws_endpoint_url": f"http://127.0.0.1:{server.port}", "aws_allow_http": "true"}
    options |= {name.lower(): CREDENTIALS[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    options["aws_region"] = CREDENTIALS["AWS_DEFAULT_REGION"]
    frame = polars.read_parquet(f"s3://{BUCKET}/sweep/{table}/*.parquet", storage_options=options)
    return pd.DataFrame(frame.to_dict(as_series=False))


def by_duckdb(server: ObjectServer, table: str) -> pd.DataFrame:
    """Through pyarrow, which needs no extension to be downloaded."""
    rows = dataset.dataset(f"{BUCKET}/sweep/{table}", filesystem=server.files)
    return duckdb.from_arrow(rows).to_arrow_table().to_pandas()


READERS: dict[str, Callable[[ObjectServer, str], pd.DataFrame]] = {
    "pandas": lambda _, table: pd.read_parquet(f"s3://{BUCKET}/sweep/{table}"),
    "pyarrow": lambda server, table: pq.read_table(
        f"{BUCKET}/sweep/{table}", filesystem=server.files
    ).to_pandas(),
    "polars": by_polars,
    "duckdb": by_duckdb,
}


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("table", [*TABLES, "predictions"])
def test_every_reader_reads_a_table_from_a_bucket(
    stored: tuple[ObjectServer, SweepLayout], table: str, reader: str
) -> None:
    server, layout = stored
    frame, expected = READERS[reader](server, table), pd.read_parquet(layout.root / table)
    assert list(frame.columns) == list(expected.columns)
    assert len(frame) == len(expected) > 0
    assert frame["config_id"].tolist() == expected["config_id"].tolist()


def test_a_damaged_copy_of_a_file_of_predictions_is_fetched_again(
    stored: tuple[ObjectServer, SweepLayout], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, layout = stored
    monkeypatch.setenv("CAUSALMER_SCRATCH", str(tmp_path))
    copy, run = layout_at(server.uri("sweep")), ("selected", handmade.key(handmade.WINNER, 1))
    copy.store.pull_records()
    expected = read_predictions(layout).frame
    pd.testing.assert_frame_equal(read_predictions(copy).frame, expected)
    path = copy.prediction_file(*run)
    path.write_bytes(flipped(path.read_bytes(), 1000))
    pd.testing.assert_frame_equal(read_predictions(copy).frame, expected)
