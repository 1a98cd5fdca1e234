"""Locks and logs of a sweep: whoever can put a link into its folder has no other file written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.files import open_log
from results.storage.locks import exclusive_lock


@pytest.mark.parametrize("opened", [exclusive_lock, open_log])
def test_a_link_in_place_of_the_file_is_refused_and_the_other_file_stays(
    opened: Callable[[Path], AbstractContextManager[object]], tmp_path: Path
) -> None:
    victim, link = tmp_path / "victim", tmp_path / ".lock"
    victim.write_text("precious")
    link.symlink_to(victim)
    with pytest.raises(UserError, match="is a symbolic link"), opened(link):
        pass
    assert victim.read_text() == "precious"


def test_a_lock_is_held_by_one_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with (
        exclusive_lock(path),
        pytest.raises(UserError, match=r"in use \(process \d+ holds"),
        exclusive_lock(path, wait=False),
    ):
        pass
    with exclusive_lock(path, wait=False):
        pass


def test_a_log_is_appended_to(tmp_path: Path) -> None:
    for line in ("one", "two"):
        with open_log(tmp_path / "sweep.log") as log:
            log.write(f"{line}\n")
    assert (tmp_path / "sweep.log").read_text() == "one\ntwo\n"
