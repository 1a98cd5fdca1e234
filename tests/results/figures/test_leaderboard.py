"""The numbers behind the figures and the test table, against the hand-made truth."""

from __future__ import annotations

import dataclasses

import handmade
import pandas as pd
import pytest

from results import figures
from results.dataset import SweepResults, open_sweep
from results.evaluation_table import PRESENT, contenders, difference
from results.intervals import t_interval
from results.leaderboard import Leaderboard, leaderboard


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> SweepResults:
    return open_sweep(handmade.whole_sweep(tmp_path_factory.mktemp("sweep")))


@pytest.fixture(scope="module")
def board(results: SweepResults) -> Leaderboard:
    return leaderboard(results.runs, results.manifest)


def test_the_dots_are_all_seeds_and_the_search_apart(board: Leaderboard) -> None:
    points = figures.seed_points(board.ranked)
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
    points = figures.seed_points(leaderboard(results.runs, manifest).ranked)
    assert set(points["kind"]) == {"ranking"}


def test_the_means_carry_their_intervals_and_incomplete_sets_have_none(board: Leaderboard) -> None:
    means = figures.mean_points((*board.ranked, *board.incomplete))
    assert means["label"].tolist() == ["#2", "#1", "#0"]
    interval = t_interval([0.80, 0.74, 0.77])
    assert means.iloc[0][["mean", "low", "high"]].tolist() == [interval.mean, interval.low, interval.high]


def test_the_curves_are_the_validation_metric_of_the_ranking_seeds(
    results: SweepResults, board: Leaderboard
) -> None:
    curves = figures.seed_curves(results.epochs, board.ranked[:1], results.manifest)
    assert sorted(set(curves["seed"])) == [1, 2, 3]
    one = curves[curves["seed"] == 1]
    assert one["value"].tolist() == pytest.approx([0.80 + step for step in handmade.CURVE])


def test_the_mean_curve_stops_where_the_first_seed_stopped() -> None:
    rows = [
        ("#1", "c", seed, epoch, 0.1 * seed * epoch)
        for seed, last in ((1, 2), (2, 4))
        for epoch in range(1, last + 1)
    ]
    means = figures.mean_curves(pd.DataFrame(rows, columns=["label", "config_id", "seed", "epoch", "value"]))
    assert means["epoch"].tolist() == [1, 2]
    assert means["value"].tolist() == pytest.approx([0.15, 0.30])


def test_no_epochs_give_no_curves(results: SweepResults, board: Leaderboard) -> None:
    curves = figures.seed_curves(results.epochs.iloc[:0], board.ranked, results.manifest)
    assert curves.empty
    assert figures.mean_curves(curves).empty


def test_equal_labels_are_told_apart(board: Leaderboard) -> None:
    twin = dataclasses.replace(board.contenders[0], config_id="f" * 16)
    names = figures.display_names([board.contenders[0], twin, board.ranked[0]])
    assert names == [f"paper {board.contenders[0].config_id[:6]}", "paper ffffff", "#2"]


def test_what_is_drawn_is_the_numbers(board: Leaderboard) -> None:
    drawn = figures.draw_leaderboard(board.ranked, board, handmade.config_id("2"))
    mean, search, seeds = drawn.data
    assert list(mean.x) == figures.mean_points(board.ranked)["mean"].tolist()
    assert (len(search.x), len(seeds.x)) == (3, 9)
    assert list(drawn.layout.yaxis.categoryarray) == ["#0", "#1", "#2"]  # drawn upwards: the best on top


def test_a_configuration_with_one_seed_is_drawn_without_an_interval(results: SweepResults) -> None:
    manifest = results.manifest.model_copy(update={"confirm_seeds": (1,)})
    board = leaderboard(results.runs, manifest)
    drawn = figures.draw_leaderboard(board.ranked, board, None)
    assert set(drawn.data[0].error_x.array) == {0.0}


def test_contenders_come_in_order_with_intervals_over_seeds(results: SweepResults) -> None:
    found = contenders(results.evaluations, results.manifest.metrics)
    assert [(c.name, c.prediction) for c in found] == [
        ("selected", "tie"),
        ("paper", "tie"),
        ("undebiased", "factual"),
        ("majority", "factual"),
    ]
    assert found[0].config_id == handmade.config_id(handmade.WINNER)
    for contender, name in zip(found[:3], (handmade.WINNER, "paper", "undebiased"), strict=True):
        for present in PRESENT:
            truth = t_interval([handmade.test_accuracy(name, seed, present) for seed in (1, 2, 3)])
            interval = contender.interval("accuracy", present)
            assert interval is not None
            assert interval.mean == pytest.approx(truth.mean)
            assert interval.low == pytest.approx(truth.low)


def test_the_majority_has_its_value_and_no_interval(results: SweepResults) -> None:
    majority = contenders(results.evaluations, results.manifest.metrics)[-1]
    interval = majority.interval("accuracy")
    assert interval is not None
    assert (interval.mean, interval.low) == (handmade.MAJORITY, None)
    assert majority.interval("accuracy", "unheard of") is None


def test_contenders_are_compared_on_the_seeds_they_share(results: SweepResults) -> None:
    selected, paper, _, majority = contenders(results.evaluations, results.manifest.metrics)
    gap = difference(selected, paper, "accuracy")
    assert gap is not None
    assert gap.seeds == (1, 2, 3)
    assert gap.interval.mean == pytest.approx(0.77 - 0.72)
    assert difference(selected, majority, "accuracy") is None


def test_two_predictions_of_one_model_are_two_entries(results: SweepResults) -> None:
    twice = pd.concat([results.evaluations, results.evaluations.assign(prediction="other")])
    names = [(c.name, c.prediction) for c in contenders(twice, results.manifest.metrics)]
    assert names[:2] == [("selected", "tie"), ("selected", "other")]


def test_configurations_selected_one_after_the_other_are_never_mixed(results: SweepResults) -> None:
    old = results.evaluations[results.evaluations["contender"] == "selected"]
    later = old.assign(config_id="f" * 16, accuracy=0.1, time=old["time"] + pd.Timedelta(days=1))
    found = contenders(pd.concat([results.evaluations, later]), results.manifest.metrics)
    assert [c.config_id for c in found[:2]] == ["f" * 16, handmade.config_id(handmade.WINNER)]
    intervals = [c.interval("accuracy") for c in found[:2]]
    assert [interval.mean for interval in intervals if interval] == pytest.approx([0.1, 0.72])


def test_a_baseline_evaluated_once_holds_for_every_subset(results: SweepResults) -> None:
    rows = results.evaluations
    once = rows[(rows["contender"] != "majority") | (rows["present"] == "tav")]
    selected, *_, majority = contenders(once[once["present"] == "tav"], results.manifest.metrics)
    interval = majority.interval("accuracy", "none")
    assert interval is not None
    assert interval.mean == handmade.MAJORITY
    assert selected.interval("accuracy", "none") is None


def test_other_splits_are_not_mixed_in(results: SweepResults) -> None:
    assert contenders(results.evaluations.assign(split="valid"), results.manifest.metrics) == []
