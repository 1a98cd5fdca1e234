"""Learning curves over seeds, against the hand-made truth."""

from __future__ import annotations

import handmade
import pandas as pd
import pytest

from results.ranking.leaderboard import Leaderboard
from results.records.dataset import SweepResults
from results.report.figures.curves import draw_curves, mean_curves, seed_curves
from results.statistics.intervals import t_interval


def test_the_curves_are_the_validation_metric_of_the_ranking_seeds(
    results: SweepResults, board: Leaderboard
) -> None:
    curves = seed_curves(results.epochs, board.ranked[:1], results.manifest)
    assert sorted(set(curves["seed"])) == [1, 2, 3]
    one = curves[curves["seed"] == 1]
    assert one["value"].tolist() == pytest.approx([0.80 + step for step in handmade.CURVE])


def test_the_mean_curve_stops_where_the_first_seed_stopped() -> None:
    rows = [
        ("#1", "c", seed, epoch, 0.1 * seed * epoch)
        for seed, last in ((1, 2), (2, 4))
        for epoch in range(1, last + 1)
    ]
    means = mean_curves(pd.DataFrame(rows, columns=["label", "config_id", "seed", "epoch", "value"]))
    assert means["epoch"].tolist() == [1, 2]
    assert means["value"].tolist() == pytest.approx([0.15, 0.30])


def test_no_epochs_give_no_curves(results: SweepResults, board: Leaderboard) -> None:
    curves = seed_curves(results.epochs.iloc[:0], board.ranked, results.manifest)
    assert curves.empty
    assert mean_curves(curves).empty


def test_bands_are_the_intervals_of_the_mean_and_begin_at_three_seeds(
    results: SweepResults, board: Leaderboard
) -> None:
    curves = seed_curves(results.epochs, board.ranked[:1], results.manifest)
    means = mean_curves(curves)
    interval = t_interval([0.80 - 0.10, 0.74 - 0.10, 0.77 - 0.10])
    assert (means["low"][0], means["high"][0]) == pytest.approx((interval.low, interval.high))
    drawn = draw_curves(curves, results.manifest, ["#2"])
    (band,) = (trace for trace in drawn.data if trace.fill == "toself")
    assert list(band.y) == [*means["low"], *means["high"][::-1]]
    two = curves[curves["seed"] < 3]
    assert not [trace for trace in draw_curves(two, results.manifest, ["#2"]).data if trace.fill == "toself"]
