"""What a sweep says of itself, to the terminal and to its log."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
from objectives_by_hand import HIGHER
from rich.console import Console

from sweeps.progress import progress
from sweeps.progress.progress import SweepProgress


@pytest.mark.parametrize(("seconds", "lines"), [(0.0, 2), (3600.0, 1)])
def test_the_final_evaluation_says_how_far_it_is_from_time_to_time_alike_to_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, lines: int
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", seconds)
    screen = StringIO()
    told = SweepProgress(Console(file=screen), tmp_path / "sweep.log", max_epochs=1, objectives=HIGHER)
    with told.shown():
        for done in (1, 2, 3):
            told.evaluated(done, 3)
    found = screen.getvalue().splitlines()
    assert len(found) == lines, "the end is said by another"
    assert found[0] == "evaluate: 1 of 3 runs evaluated on the test split"
    if lines == 2:
        assert re.fullmatch(
            r"evaluate: 2 of 3 runs evaluated on the test split, about 0:00:0\d left", found[1]
        )
    log = (tmp_path / "sweep.log").read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in log] == found
