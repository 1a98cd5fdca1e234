"""No byte of a Parquet file is used unless it is the one that was written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bit_flips import flipped, flips

from causalmer_core.basics.digests import DamagedFileError
from results.storage.checked_parquet import CheckedParquet, byte_ranges, parquet_writer, parse_parquet

REMEDY = "write it again"
GROUPS, ROWS = 3, 50


def table(rows: int = GROUPS * ROWS) -> pa.Table:
    names, numbers = [f"run {row}" for row in range(rows)], [row / 7 for row in range(rows)]
    return pa.table({"name": pa.array(names, pa.string()), "score": pa.array(numbers, pa.float64())})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "table.parquet", table())


def written(path: Path, rows: pa.Table) -> Path:
    with parquet_writer(path, rows.schema) as writer:
        writer.write_table(rows, row_group_size=ROWS)
    return path


def test_ranges_cover_every_byte_once_with_one_range_a_row_group_and_one_for_the_footer(path: Path) -> None:
    ranges = byte_ranges(path)
    assert len(ranges) == GROUPS + 1
    assert [start for start, _, _ in ranges] == [0, *(end for _, end, _ in ranges[:-1])]
    assert ranges[-1][1] == path.stat().st_size


@pytest.mark.parametrize("rows", [0, 1, GROUPS * ROWS])
def test_what_was_written_is_read(tmp_path: Path, rows: int) -> None:
    path = written(tmp_path / "table.parquet", table(rows))
    file = CheckedParquet(path, byte_ranges(path), REMEDY)
    file.check()
    assert file.metadata.num_rows == rows
    assert file.read().equals(table(rows))


def test_no_flipped_bit_is_ever_read(path: Path) -> None:
    content, ranges = path.read_bytes(), byte_ranges(path)
    for changed in flips(content, 300):
        path.write_bytes(changed)
        with pytest.raises(DamagedFileError, match=f"{path.name} is damaged: .*{REMEDY}"):
            CheckedParquet(path, ranges, REMEDY).read()
        with pytest.raises(DamagedFileError):
            CheckedParquet(path, ranges, REMEDY).check()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:0],
        lambda content: content[:-1],
        lambda content: content + b"1",
        lambda content: content * 2,
    ],
    ids=["emptied", "cut", "longer", "doubled"],
)
def test_a_file_of_another_size_is_not_opened(path: Path, change: Callable[[bytes], bytes]) -> None:
    ranges, content = byte_ranges(path), path.read_bytes()
    path.write_bytes(change(content))
    with pytest.raises(DamagedFileError, match=rf"it has \d+ bytes instead of {len(content)}"):
        CheckedParquet(path, ranges, REMEDY)


def test_a_missing_file_is_damage(path: Path) -> None:
    ranges = byte_ranges(path)
    path.unlink()
    with pytest.raises(DamagedFileError, match="it is missing"):
        CheckedParquet(path, ranges, REMEDY)


def test_damage_is_named_by_its_row_group_and_the_others_are_read(path: Path) -> None:
    ranges = byte_ranges(path)
    start, end, _ = ranges[1]
    path.write_bytes(flipped(path.read_bytes(), start + 10))
    file = CheckedParquet(path, ranges, REMEDY)
    assert file.read([0, 2]).num_rows == 2 * ROWS
    with pytest.raises(DamagedFileError, match=rf"row group 1 \(bytes {start} to {end - 1}\)"):
        file.read([1])


def test_a_file_that_is_replaced_later_is_read_as_it_was(path: Path) -> None:
    file = CheckedParquet(path, byte_ranges(path), REMEDY)
    written(path.with_name("other"), table(1)).replace(path)
    assert file.read().equals(table())


def test_other_readers_can_check_the_pages(path: Path) -> None:
    """The lowest bit of a page's last byte, which these readers otherwise take for a value or cannot decompress."""
    chunk = pq.read_metadata(path).row_group(0).column(1)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    path.write_bytes(flipped(path.read_bytes(), start + chunk.total_compressed_size - 1))
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pq.read_table(path, page_checksum_verification=True)
    with pytest.raises(OSError, match="CRC checksum verification failed"):
        pd.read_parquet(path, page_checksum_verification=True)


def test_bytes_that_are_not_parquet_are_damage_whatever_pyarrow_raises(path: Path) -> None:
    content = path.read_bytes()
    for changed in [b"", b"PAR1", content[:100], content[::-1], *flips(content, 300)]:
        # Some flips change nothing that is read, and raise nothing.
        with suppress(DamagedFileError):
            parse_parquet(changed, path, REMEDY)
    with pytest.raises(DamagedFileError, match=f"{path.name} is damaged: it is not readable Parquet"):
        parse_parquet(content[:100], path, REMEDY)
