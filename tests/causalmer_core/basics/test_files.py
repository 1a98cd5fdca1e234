"""A file is written whole or not at all, is on disk with its name, and follows no link."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from causalmer_core.basics.files import remove_stale_asides, write_bytes, write_text, written_aside


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def hidden(path: Path) -> Path:
    """The hidden name that this process writes `path` under."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def test_a_text_replaces_the_old_one_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    for text in ("ä\n", "b"):
        write_text(path, text)
        assert path.read_bytes() == text.encode()
    assert names_in(path.parent) == ["a.txt"]


def test_until_the_block_ends_the_old_file_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with written_aside(path) as temporary:
        assert temporary == hidden(path)
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_keeps_the_old_file_and_removes_the_hidden_one(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a"
    path.write_text("old")

    def fail() -> None:
        with written_aside(path) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["a"]


def test_the_file_is_synced_before_its_name_and_the_folder_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced = tmp_path / "a", []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        fsync(descriptor)
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink(), is_folder, path.exists()))

    monkeypatch.setattr(os, "fsync", record)
    write_bytes(path, b"x")
    assert synced == [(hidden(path), False, False), (tmp_path, True, True)]


KILLED = """
import os, signal, sys
from pathlib import Path
from causalmer_core.basics import files

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "fsync":
    os.fsync = die
elif sys.argv[2] == "replace":
    Path.replace = die
elif sys.argv[2] == "fsync_folder":
    files.fsync_folder = die
with files.written_aside(Path(sys.argv[1])) as temporary:
    temporary.write_text("new")
    if sys.argv[2] == "block":
        die()
"""


@pytest.mark.parametrize(
    ("moment", "found"),
    [("block", "old"), ("fsync", "old"), ("replace", "old"), ("fsync_folder", "new")],
)
def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path, moment: str, found: str) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), moment], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == found
    remove_stale_asides(tmp_path)
    assert names_in(tmp_path) == ["a"]


def test_a_link_under_the_hidden_name_is_replaced_not_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "other"
    other.write_text("another's")
    hidden(path).symlink_to(other)
    write_text(path, "ours")
    assert other.read_text() == "another's"
    assert path.read_text() == "ours"
    assert not path.is_symlink()


def test_a_link_that_appears_meanwhile_is_an_error(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "other"
    other.write_text("another's")

    def overtaken() -> None:
        with written_aside(path) as temporary:
            temporary.symlink_to(other)

    with pytest.raises(OSError, match="symbolic link"):
        overtaken()
    assert not path.exists()
    assert other.read_text() == "another's"
    assert names_in(tmp_path) == ["other"]


def test_a_link_that_is_the_target_is_replaced(tmp_path: Path) -> None:
    path, other = tmp_path / "a", tmp_path / "other"
    other.write_text("another's")
    path.symlink_to(other)
    write_text(path, "ours")
    assert other.read_text() == "another's"
    assert not path.is_symlink()


def test_the_mask_of_the_process_decides_who_reads_a_file(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "")
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
