"""The dots, means and intervals of the leaderboard's figure, against the hand-made truth."""

from __future__ import annotations

import dataclasses

import handmade
import pytest

from results.ranking.leaderboard import Leaderboard, leaderboard
from results.records.dataset import SweepResults
from results.report.figures.leaderboard import display_names, draw_leaderboard, mean_points, seed_points
from results.statistics.intervals import t_interval


def test_the_dots_are_all_seeds_and_the_search_apart(board: Leaderboard) -> None:
    points = seed_points(board.ranked)
    ranking = points[points["kind"] == "ranking"]
    assert len(ranking) == 9
    assert dict(zip(ranking["seed"][:3], ranking["score"][:3], strict=True)) == pytest.approx(
        {1: 0.80, 2: 0.74, 3: 0.77}
    )
    search = points[points["kind"] == "search"]
    assert dict(zip(search["label"], search["score"], strict=True)) == pytest.approx(
        {"#2": 0.76, "#1": 0.78, "#0": 0.70}
    )


def test_a_search_seed_that_ranks_is_one_dot_only(results: SweepResults) -> None:
    manifest = results.manifest.model_copy(update={"confirm_seeds": ()})
    points = seed_points(leaderboard(results.runs, manifest).ranked)
    assert set(points["kind"]) == {"ranking"}


def test_the_means_carry_their_intervals_and_incomplete_sets_have_none(board: Leaderboard) -> None:
    means = mean_points((*board.ranked, *board.incomplete))
    assert means["label"].tolist() == ["#2", "#1", "#0"]
    interval = t_interval([0.80, 0.74, 0.77])
    assert means.iloc[0][["mean", "low", "high"]].tolist() == [interval.mean, interval.low, interval.high]


def test_equal_labels_are_told_apart(board: Leaderboard) -> None:
    twin = dataclasses.replace(board.contenders[0], config_id="f" * 16)
    names = display_names([board.contenders[0], twin, board.ranked[0]])
    assert names == [f"paper {board.contenders[0].config_id[:6]}", "paper ffffff", "#2"]


def test_what_is_drawn_is_the_numbers(board: Leaderboard) -> None:
    drawn = draw_leaderboard(board.ranked, board, handmade.config_id("2"))
    mean, search, seeds = drawn.data
    assert list(mean.x) == mean_points(board.ranked)["mean"].tolist()
    assert (len(search.x), len(seeds.x)) == (3, 9)
    assert list(drawn.layout.yaxis.categoryarray) == ["#0", "#1", "#2"]  # drawn upwards: the best on top


def test_a_configuration_with_one_seed_is_drawn_without_an_interval(results: SweepResults) -> None:
    manifest = results.manifest.model_copy(update={"confirm_seeds": (1,)})
    board = leaderboard(results.runs, manifest)
    drawn = draw_leaderboard(board.ranked, board, None)
    assert set(drawn.data[0].error_x.array) == {0.0}
