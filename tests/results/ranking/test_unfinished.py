"""A conclusion from a part of the records says in its first line what is open."""

from __future__ import annotations

from pathlib import Path

import handmade

from results.ranking.unfinished import unfinished
from results.records.dataset import open_sweep
from results.report.leaderboard_table import leaderboard_table
from results.storage.journal import Journal


def test_a_finished_sweep_says_nothing(tmp_path: Path) -> None:
    results = open_sweep(handmade.whole_sweep(tmp_path))
    assert unfinished(results) == ""
    assert "unfinished" not in leaderboard_table(results).title


def test_open_runs_and_proposals_without_a_run_are_counted_in_the_first_line(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    handmade.finish(layout, "0", 0)
    handmade.begin(layout, "1", 0).close()
    with Journal.open(layout.proposals) as journal:
        for number, fusion in enumerate(("sum", "hm", "mask", "sum")):  # the last one repeats the first
            journal.append({"kind": "proposal", "number": number, "values": {"model.fusion": fusion}})
    said = "unfinished: 1 of 2 runs have not ended (1 lost; epochs so far: 0); 1 of 3 proposals have no run"
    results = open_sweep(layout)
    assert unfinished(results) == said
    assert leaderboard_table(results).title.endswith(said)
