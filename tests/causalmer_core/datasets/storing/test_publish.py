"""A folder is there whole or not at all; what a killed process leaves is cleared away, and a living one's is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from causalmer_core.datasets.storing.publish import (
    clear_leftovers,
    hidden_folder,
    move_into_place,
    write_array,
)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_appears_under_its_name_and_nothing_else_stays(tmp_path: Path) -> None:
    with hidden_folder(tmp_path, "data") as aside:
        (aside / "manifest.json").write_text("{}")
        assert not (tmp_path / "data").exists()
        move_into_place(aside, tmp_path / "data")
    assert names_in(tmp_path) == ["data"]
    assert names_in(tmp_path / "data") == ["manifest.json"]


def test_a_folder_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def overtaken() -> None:
        with hidden_folder(tmp_path, "data") as aside:
            (aside / "second").touch()
            (tmp_path / "data").mkdir()
            (tmp_path / "data" / "first").touch()
            move_into_place(aside, tmp_path / "data")

    with pytest.raises(OSError, match="not empty"):
        overtaken()
    assert names_in(tmp_path) == ["data"]
    assert names_in(tmp_path / "data") == ["first"]


KILLED = """
import os, signal, sys
from pathlib import Path
from causalmer_core.datasets.storing.publish import hidden_folder, move_into_place
target = Path(sys.argv[1])
with hidden_folder(target.parent, target.name) as aside:
    (aside / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_import(target: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_what_a_killed_process_left_is_cleared_away_by_the_next(tmp_path: Path) -> None:
    killed_import(tmp_path / "other")
    assert any(name.startswith(".other.new-") for name in names_in(tmp_path))
    with hidden_folder(tmp_path, "data") as aside:
        (aside / "file").touch()
        move_into_place(aside, tmp_path / "data")
    assert names_in(tmp_path) == ["data"]


LIVING = """
import sys
from pathlib import Path
from causalmer_core.datasets.storing.publish import hidden_folder, move_into_place
target = Path(sys.argv[1])
with hidden_folder(target.parent, target.name) as aside:
    (aside / "file").touch()
    print("writing", flush=True)
    sys.stdin.readline()
    move_into_place(aside, target)
"""


def test_what_a_living_process_writes_is_never_cleared_away(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIVING, str(tmp_path / "living")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as living:
        assert living.stdout is not None
        assert living.stdout.readline() == "writing\n"
        killed_import(tmp_path / "dead")
        clear_leftovers(tmp_path)
        hidden = [name for name in names_in(tmp_path) if ".new-" in name]
        assert [name.split(".new-")[0] for name in hidden] == [".living"]
        living.communicate("\n")
    assert living.returncode == 0
    assert names_in(tmp_path) == ["living"]
    assert names_in(tmp_path / "living") == ["file"]


def test_processes_that_write_at_once_do_not_clear_each_other_away(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with hidden_folder(tmp_path, f"data{number}") as aside:
            (aside / "file").write_text(str(number))
            move_into_place(aside, tmp_path / f"data{number}")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names_in(tmp_path) == sorted(f"data{n}" for n in range(16))


def test_what_an_earlier_program_was_about_to_replace_is_put_back(tmp_path: Path) -> None:
    """A process killed between its two renames left the old folder hidden and no new one."""
    for name in (".data.old-0a1b", ".data.new-0a1b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(name)
    clear_leftovers(tmp_path)
    assert names_in(tmp_path) == ["data"]
    assert (tmp_path / "data" / "manifest.json").read_text() == ".data.old-0a1b"


def test_what_was_replaced_already_is_not_put_back(tmp_path: Path) -> None:
    for name in (".data.old-0a1b", "data"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(name)
    clear_leftovers(tmp_path)
    assert names_in(tmp_path) == ["data"]
    assert (tmp_path / "data" / "manifest.json").read_text() == "data"


def test_hidden_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in (".git", ".data.new", "data.new-abc", ".cache-new-1"):
        (tmp_path / name).mkdir()
    (tmp_path / ".data.new-file").touch()
    clear_leftovers(tmp_path)
    assert names_in(tmp_path) == sorted(
        [".git", ".data.new", "data.new-abc", ".cache-new-1", ".data.new-file"]
    )


@pytest.mark.parametrize(
    "values",
    [
        np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
        np.arange(5)[::-1],
        np.arange(3, dtype=">i4"),
    ],
)
def test_an_array_is_written_as_numpy_writes_it(tmp_path: Path, values: np.ndarray) -> None:
    write_array(tmp_path / "ours.npy", values)
    np.save(tmp_path / "numpys.npy", np.ascontiguousarray(values))
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpys.npy").read_bytes()


def test_what_was_not_moved_into_its_place_is_removed(tmp_path: Path) -> None:
    with hidden_folder(tmp_path, "data") as aside:
        (aside / "file").touch()
    assert names_in(tmp_path) == []


def test_folders_are_readable_by_the_mask_of_the_process(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        with hidden_folder(tmp_path, "data") as aside:
            move_into_place(aside, tmp_path / "data")
    finally:
        os.umask(mask)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o750
