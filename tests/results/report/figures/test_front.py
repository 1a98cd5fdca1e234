"""Several objectives against one another: everyone in their group and at their means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import handmade

from results.ranking.leaderboard import Entry, leaderboard
from results.records.dataset import open_sweep
from results.records.objectives import Objective, Objectives
from results.report.figures.front import draw_front

OBJECTIVES = Objectives(
    primary=Objective(measure="valid_accuracy", direction="max"),
    further=(
        Objective(measure="parameters", direction="min"),
        Objective(measure="seconds", direction="min"),
    ),
)


def test_each_further_objective_has_a_panel_with_everyone_in_it(tmp_path: Path) -> None:
    results = open_sweep(handmade.whole_sweep(tmp_path))
    board = leaderboard(results.runs, results.manifest)

    def placed(entry: Entry, front: int, parameters: float) -> Entry:
        assert entry.interval is not None
        measured = {"valid_accuracy": entry.interval.mean, "parameters": parameters, "seconds": 8.0}
        return replace(entry, measured=measured, front=front)

    ranked = (
        placed(board.ranked[0], 1, 300.0),
        placed(board.ranked[1], 1, 100.0),
        placed(board.ranked[2], 2, 300.0),
    )
    violated = replace(placed(board.ranked[2], 1, 9.0), violated=("parameters 9 is below 10",))
    board = replace(board, ranked=ranked, infeasible=(violated,), contenders=(), objectives=OBJECTIVES)
    drawn = draw_front(board, handmade.config_id("2"))
    front, behind, violating, contender, *second_panel = drawn.data
    assert (list(front.x), list(behind.x), list(violating.x), list(contender.x)) == (
        [300, 100],
        [300],
        [9],
        [],
    )
    assert list(front.y) == [ranked[0].measured["valid_accuracy"], ranked[1].measured["valid_accuracy"]]
    assert list(front.marker.symbol) == ["diamond", "circle"]
    assert violating.text[0] == "#0: parameters 9 is below 10"
    assert list(second_panel[0].x) == [8.0, 8.0]
    assert drawn.layout.xaxis.title.text == "parameters (lower is better)"
