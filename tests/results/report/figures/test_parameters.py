"""Parameters against scores: what is drawn are the values on record, each in its place."""

from __future__ import annotations

import handmade
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from objectives_by_hand import LOWER

from results.ranking.leaderboard import leaderboard
from results.ranking.search_table import search_table
from results.records.dataset import SweepResults
from results.report.figures.parameters import Axis, draw_parallel, draw_slices


@pytest.fixture(scope="module")
def frame(results: SweepResults) -> pd.DataFrame:
    return search_table(results, leaderboard(results.runs, results.manifest))


def test_the_searched_configurations_have_the_scores_that_the_search_saw(frame: pd.DataFrame) -> None:
    assert frame["name"].tolist() == ["#0", "#1", "#2", "#3", "#4"]
    assert frame["score"].tolist() == pytest.approx([0.70, 0.78, 0.76, 0.74, 0.60])
    assert frame["state"].tolist() == ["finished"] * 4 + ["pruned"]
    assert frame["model.fusion"].tolist() == ["sum", "mask", "mask", "mask", "mask"]
    assert frame["loss.beta"].isna().tolist() == [True, False, False, False, False]


def test_a_panel_has_every_configuration_that_has_its_parameter(
    frame: pd.DataFrame, results: SweepResults
) -> None:
    drawn = draw_slices(frame, results.manifest, handmade.config_id(handmade.WINNER))
    fusion, beta, layers = drawn.data
    assert list(fusion.x) == frame["model.fusion"].tolist()
    assert list(beta.y) == frame["score"].tolist()[1:], "#0 has no beta"
    assert list(layers.x) == frame["model.backbone.layers"].tolist()
    assert [symbol == "diamond" for symbol in layers.marker.symbol] == [False, False, True, False, False]


def test_a_line_leads_through_the_values_of_a_configuration_to_its_score(
    frame: pd.DataFrame, results: SweepResults
) -> None:
    drawn = draw_parallel(frame, results.manifest)
    best = drawn.data[-1]
    assert best.name == "0.7800"
    assert [text.partition(", ")[0] for text in best.text if text] == ["#1"] * 4
    assert best.text[-2] == "#1, search accuracy: 0.78"
    assert list(best.y)[:-1] == pytest.approx(
        [0, 0.5, 0.25, 1]
    )  # mask, the only beta, 2 of 1 to 5 layers, the best
    worst_first = [
        min(text.split(": ")[-1] for text in trace.text if "accuracy" in text) for trace in drawn.data
    ]
    assert worst_first == sorted(worst_first)
    (without_beta,) = (trace for trace in drawn.data if trace.text[0].startswith("#0"))
    assert [x for x in without_beta.x if x is not None] == [0, 2, 3]


def test_lower_scores_are_the_better_ones_where_the_direction_says_so(
    frame: pd.DataFrame, results: SweepResults
) -> None:
    drawn = draw_parallel(frame, results.manifest.model_copy(update={"objectives": LOWER}))
    assert drawn.data[-1].name == "0.6000"


def test_values_over_orders_of_magnitude_lie_on_a_logarithmic_axis() -> None:
    rates = pd.Series([1e-4, 1e-3, 1e-2])
    assert Axis.of("rate", rates).is_log
    assert Axis.of("rate", rates).places(rates) == pytest.approx([0, 0.5, 1])
    assert not Axis.of("layers", pd.Series([1, 5])).is_log
    assert not Axis.of("shift", pd.Series([-1e-4, 1.0])).is_log


def test_a_parameter_with_one_value_stands_in_the_middle() -> None:
    assert Axis.of("one", pd.Series([2, 2])).places(pd.Series([2, 2])) == [0.5, 0.5]
    texts = pd.Series(["a", "a"], dtype=object)
    assert Axis.of("one", texts).places(texts) == [0.5, 0.5]


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1))
def test_places_keep_the_order_and_lie_between_0_and_1(values: list[float | None]) -> None:
    series = pd.Series(values, dtype="float64")
    places = Axis.of("any", series).places(series)
    there = [(v, p) for v, p in zip(values, places, strict=True) if v is not None]
    assert [p is None for p in places] == [v is None for v in values]
    assert all(p is not None and 0 <= p <= 1 for _, p in there)
    order = np.argsort([v for v, _ in there], kind="stable")
    sorted_places = [there[i][1] for i in order]
    assert sorted_places == sorted(sorted_places)


def test_the_least_of_numbers_beside_the_largest_are_no_trouble() -> None:
    far = pd.Series([1e308, 5e-324])
    assert Axis.of("far", far).is_log
    assert Axis.of("far", far).places(far) == pytest.approx([1, 0])
    near = pd.Series([1e308, 1.7e308])
    assert not Axis.of("near", near).is_log
