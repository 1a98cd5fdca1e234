"""The journal's promises under kills, torn writes, full disks and second writers."""

from __future__ import annotations

import math
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causalmer_core.basics.digests import DamagedFileError
from results.storage.journal import (
    BALLAST_BYTES,
    Journal,
    JournalError,
    JournalFullError,
    Seal,
    append_rows,
    encode_line,
    read_journal,
    scan_journal,
)

ROWS = [{"epoch": epoch, "loss": 1.0 / epoch, "text": "größer\n<"} for epoch in range(1, 6)]


def written(path: Path) -> Path:
    with Journal.create(path) as journal:
        for row in ROWS:
            journal.append(row)
    return path


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    scan = scan_journal(written(tmp_path / "a.jsonl"))
    assert scan.rows == ROWS
    assert not scan.torn
    assert scan.valid_bytes == (tmp_path / "a.jsonl").stat().st_size


def test_non_finite_numbers_survive_and_stay_apart(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "a.jsonl") as journal:
        journal.append({"a": math.nan, "b": math.inf, "c": -math.inf})
    (row,) = read_journal(tmp_path / "a.jsonl")
    assert math.isnan(row["a"])
    assert (row["b"], row["c"]) == (math.inf, -math.inf)


def test_a_missing_journal_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none.jsonl") == []


def test_a_torn_tail_of_any_length_costs_the_last_row_only(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    data = path.read_bytes()
    last = len(encode_line(ROWS[-1]))
    for cut in range(1, last):
        path.write_bytes(data[: len(data) - cut])
        scan = scan_journal(path)
        assert scan.rows == ROWS[:-1]
        assert scan.torn
        assert scan.valid_bytes == len(data) - last


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_byte_anywhere_never_gives_a_row_that_was_not_written(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "a.jsonl"
    content = bytearray(b"".join(map(encode_line, ROWS)))
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    scan = scan_journal(path)
    assert scan.rows == ROWS[: len(scan.rows)]
    assert scan.rows_behind == ROWS[len(ROWS) - len(scan.rows_behind) :]
    assert scan.torn or scan.damage
    if scan.damage:
        with pytest.raises(
            DamagedFileError, match=r"a\.jsonl is damaged: line \d: its checksum does not match"
        ):
            read_journal(path)


def test_opening_cuts_a_torn_tail_off_before_it_appends(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    path.write_bytes(path.read_bytes()[:-7])
    with Journal.open(path) as journal:
        journal.append({"new": 1})
    assert read_journal(path) == [*ROWS[:-1], {"new": 1}]


def test_opening_begins_a_journal_where_there_is_none(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "deep" / "a.jsonl") as journal:
        journal.append({"new": 1})
    assert read_journal(tmp_path / "deep" / "a.jsonl") == [{"new": 1}]


def test_opening_refuses_to_cut_rows_off_behind_a_damaged_one(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    data = bytearray(path.read_bytes())
    data[len(encode_line(ROWS[0])) + 12] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match="line 2: its checksum does not match"):
        Journal.open(path)
    assert path.read_bytes() == data


def test_the_same_journal_is_never_created_twice(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    with pytest.raises(FileExistsError):
        Journal.create(path)


def test_a_second_writer_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Journal.create(path) as journal:
        journal.append(ROWS[0])
        with pytest.raises(JournalError, match="another process"):
            Journal.open(path)
        assert (tmp_path / ".a.jsonl.ballast").stat().st_size == BALLAST_BYTES
        journal.append(ROWS[1])
    assert read_journal(path) == ROWS[:2]


def test_a_closed_journal_leaves_no_ballast_and_takes_no_row(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "a.jsonl")
    journal.close()
    journal.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
    with pytest.raises(JournalError, match="closed"):
        journal.append({})


def test_a_row_is_on_disk_before_it_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill spares the system's cache, a power cut does not: each row is one write, then one sync."""
    calls: list[str] = []
    for name in ("write", "fdatasync"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *given, real=real, name=name: (calls.append(name), real(*given))[1]
        )
    with Journal.create(tmp_path / "a.jsonl") as journal:
        calls.clear()
        journal.append(ROWS[0])
        journal.append(ROWS[1])
        assert calls == ["write", "fdatasync"] * 2


def test_a_row_that_is_not_json_leaves_no_trace(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "a.jsonl") as journal:
        with pytest.raises(TypeError):
            journal.append({"path": tmp_path})
        journal.append(ROWS[0])
    assert read_journal(tmp_path / "a.jsonl") == ROWS[:1]


WRITER = """
import sys
from pathlib import Path
from results.storage.journal import Journal
with Journal.create(Path(sys.argv[1])) as journal:
    for number in range(10**9):
        journal.append({"number": number, "padding": "x" * (number % 700)})
        print(number, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 17, 150, 400])
def test_no_acknowledged_row_is_lost_to_sigkill(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "a.jsonl"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        for _ in range(acknowledged):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
    last = max([acknowledged - 1, *(int(line) for line in rest[:-1])])
    numbers = [row["number"] for row in read_journal(path)]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= last + 1
    with Journal.open(path) as journal:
        journal.append({"number": len(numbers)})
    assert len(read_journal(path)) == len(numbers) + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 128 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def append_until_refused(journal: Journal, acknowledged: list[int]) -> None:
    for number in range(10**6):
        journal.append({"number": number, "padding": "x" * 700})
        acknowledged.append(number)


def fill(disk: Path) -> None:
    with (disk / "others").open("wb", buffering=0) as others:
        while True:
            others.write(b"x" * 512)


def test_a_full_disk_loses_no_acknowledged_row_and_is_said_loudly(small_disk: Path) -> None:
    path = small_disk / "a.jsonl"
    acknowledged: list[int] = []
    with Journal.create(path) as journal:
        with pytest.raises(JournalFullError, match="free some space"):
            append_until_refused(journal, acknowledged)
        assert not (small_disk / ".a.jsonl.ballast").exists()
        scan = scan_journal(path)
        assert [row["number"] for row in scan.rows] == acknowledged
        assert not scan.torn
        assert path.stat().st_size > 128 * 1024 - BALLAST_BYTES


def test_the_ballast_takes_the_rows_of_a_disk_that_others_filled(small_disk: Path) -> None:
    with Journal.create(small_disk / "a.jsonl") as journal:
        journal.append(ROWS[0])
        with pytest.raises(OSError, match="No space"):
            fill(small_disk)
        padded = [{**row, "padding": "x" * 5000} for row in ROWS]
        for row in padded:
            journal.append(row)
    assert read_journal(small_disk / "a.jsonl") == [ROWS[0], *padded]


def test_a_full_disk_refuses_to_begin_a_journal(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        fill(small_disk)
    with pytest.raises(JournalFullError, match="no room to begin"):
        Journal.create(small_disk / "a.jsonl")


def test_a_failing_write_is_cut_back_to_the_last_whole_row(tmp_path: Path) -> None:
    """The limit on file sizes makes the kernel take a part of a row and refuse the rest."""
    path = tmp_path / "a.jsonl"
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal.create(path) as journal:
        journal.append(ROWS[0])
        whole = path.stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (whole + 20, old[1]))
        try:
            with pytest.raises(JournalError, match="Every row before it is safe"):
                journal.append(ROWS[1])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
        assert path.stat().st_size == whole
        journal.append(ROWS[2])
    assert read_journal(path) == [ROWS[0], ROWS[2]]


def sealed(path: Path, *, ended: bool = True) -> Seal:
    scan = scan_journal(path)
    return Seal(scan.size, scan.crc32, ended)


def test_a_line_that_is_gone_is_found_by_the_seal(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    seal = sealed(path)
    path.write_bytes(b"".join(map(encode_line, ROWS[:3])))
    with pytest.raises(DamagedFileError, match="line 4: it is gone"):
        read_journal(path, seal)
    assert scan_journal(path, seal).rows == ROWS[:3]


def test_other_lines_than_the_sealed_ones_are_not_believed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    seal = sealed(path)
    path.write_bytes(b"".join(map(encode_line, [*ROWS[:4], {**ROWS[4], "loss": 0.9}])))
    with pytest.raises(DamagedFileError, match="not those that were sealed"):
        read_journal(path, seal)
    assert scan_journal(path, seal).rows == []


def test_a_journal_may_grow_behind_its_seal_unless_it_had_ended(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl")
    growing, ended = sealed(path, ended=False), sealed(path)
    with Journal.open(path) as journal:
        journal.append({"new": 1})
    assert read_journal(path, growing) == [*ROWS, {"new": 1}]
    with pytest.raises(DamagedFileError, match="bytes follow the sealed end"):
        read_journal(path, ended)


def test_a_missing_journal_that_was_sealed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError, match="line 1: it is gone"):
        read_journal(tmp_path / "none.jsonl", Seal(10, 0, ended=True))


def test_rows_of_several_writers_follow_each_other_also_behind_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    append_rows(path, ROWS[:2])
    path.write_bytes(path.read_bytes() + b"0123abcd {")
    append_rows(path, ROWS[2:])
    assert read_journal(path) == ROWS


def test_a_folder_in_the_place_of_a_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError, match="cannot be read"):
        read_journal(tmp_path)
