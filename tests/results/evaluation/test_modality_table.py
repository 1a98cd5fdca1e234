"""Gaps, contributions and curves are those of the records, seed by seed, and clean rows stay clean beside them."""

from __future__ import annotations

from pathlib import Path

import handmade
import numpy as np
import pytest
from objectives_by_hand import LOWER

from causalmer_core.basics.modality import MODALITIES, Modality
from results.evaluation.evaluation_table import PRESENT, evaluated_contenders
from results.evaluation.modality_table import contribution_lines, gap_lines, label_lines, rate_points
from results.records.dataset import SweepResults, open_sweep
from results.records.layout import SweepLayout
from results.report.figures.rates import draw_rates
from results.statistics.intervals import t_interval

SEEDS = handmade.CONFIRM_SEEDS


@pytest.fixture
def layout(tmp_path: Path) -> SweepLayout:
    """The hand-made sweep, with modalities permuted and steps taken away too."""
    layout = handmade.whole_sweep(tmp_path)
    handmade.write_removals(layout)
    return layout


@pytest.fixture
def results(layout: SweepLayout) -> SweepResults:
    return open_sweep(layout)


def test_there_is_a_line_for_every_way_and_every_contender_that_was_evaluated_so(
    results: SweepResults,
) -> None:
    expected = [("zero", "selected"), ("zero", "paper"), ("zero", "undebiased")]
    expected += [("permutation", "selected"), ("permutation", "undebiased")]
    assert [(line.ablation, line.contender.name) for line in gap_lines(results)] == expected
    assert [(line.ablation, line.contender.name) for line in contribution_lines(results)] == expected


def test_zero_costs_the_same_for_each_modality_so_each_contributes_that(results: SweepResults) -> None:
    cost = handmade.REMOVAL_COST
    line, shares = gap_lines(results)[0], contribution_lines(results)[0]
    assert list(line.gaps) == list(PRESENT[1:])
    assert [line.gaps[name].mean for name in PRESENT[1:]] == pytest.approx(
        [cost] * 3 + [2 * cost] * 3 + [3 * cost]
    )
    assert (line.mean.mean, line.std.mean) == pytest.approx((1.5 * cost, 0.5 * cost))
    assert [shares.contributions[m].mean for m in MODALITIES] == pytest.approx([cost] * 3)
    assert shares.total.mean == pytest.approx(3 * cost)


def test_gaps_are_taken_within_a_seed_and_averaged_over_seeds(results: SweepResults) -> None:
    (line,) = [x for x in gap_lines(results) if (x.ablation, x.contender.name) == ("permutation", "selected")]
    t, a, v = handmade.WORTH.values()
    lost = {"ta": v, "tv": a, "av": t, "t": a + v, "a": t + v, "v": t + a}
    for present, cost in {**lost, "none": t + a + v}.items():
        truth = t_interval([seed * cost for seed in SEEDS])
        found = line.gaps[present]
        assert (found.mean, found.low, found.high, found.n) == pytest.approx(
            (truth.mean, truth.low, truth.high, 3)
        )
    spreads = [seed * np.std(list(lost.values())) for seed in SEEDS]
    truth = t_interval(spreads)
    assert (line.std.mean, line.std.low) == pytest.approx((truth.mean, truth.low))
    assert line.mean.mean == pytest.approx(2 * np.mean(list(lost.values())))


def test_contributions_follow_what_each_modality_is_worth_and_sum_to_the_whole(results: SweepResults) -> None:
    (line,) = [
        x
        for x in contribution_lines(results)
        if (x.ablation, x.contender.name) == ("permutation", "undebiased")
    ]
    for modality in MODALITIES:
        truth = t_interval([seed * handmade.WORTH[modality.letter] for seed in SEEDS])
        found = line.contributions[modality]
        assert (found.mean, found.low, found.high) == pytest.approx((truth.mean, truth.low, truth.high))
    assert line.total.mean == pytest.approx(sum(found.mean for found in line.contributions.values()))


def test_where_less_is_better_a_rise_is_a_gap_and_a_fall_a_contribution(results: SweepResults) -> None:
    less = handmade.changed(results, manifest=results.manifest.model_copy(update={"objectives": LOWER}))
    for one, other in zip(gap_lines(results), gap_lines(less), strict=True):
        assert other.mean.mean == pytest.approx(-one.mean.mean)
        assert other.std.mean == pytest.approx(one.std.mean)
    for first, second in zip(contribution_lines(results), contribution_lines(less), strict=True):
        assert second.total.mean == pytest.approx(-first.total.mean)


def test_curves_begin_with_nothing_taken_and_go_on_by_the_rate(results: SweepResults) -> None:
    points = rate_points(results)
    rates = [0.0, *handmade.STEP_RATES]
    expected = [
        (label, ablation, rate)
        for label in ("selected", "undebiased")
        for ablation in ("random_steps", "spans")
        for rate in rates
    ]
    assert [(p.label, p.ablation, p.rate) for p in points] == expected
    for point in points:
        name = handmade.WINNER if point.label == "selected" else "undebiased"
        truth = t_interval([handmade.stepwise_accuracy(name, s, point.ablation, point.rate) for s in SEEDS])
        assert (point.interval.mean, point.interval.low, point.interval.n) == pytest.approx(
            (truth.mean, truth.low, 3)
        )
    drawn = draw_rates(points, results.manifest)
    assert [trace.name for trace in drawn.data] == [
        f"{label}, {words}" for label in ("selected", "undebiased") for words in ("random steps", "spans")
    ]
    for trace, place in zip(drawn.data, range(0, len(points), 3), strict=True):
        assert list(trace.x) == rates
        assert list(trace.y) == [p.interval.mean for p in points[place : place + 3]]


def test_other_removals_leave_every_other_table_as_it_was(tmp_path: Path, results: SweepResults) -> None:
    clean = open_sweep(handmade.whole_sweep(tmp_path / "clean"))
    metrics = results.manifest.metrics
    expected = [c.values for c in evaluated_contenders(clean.evaluations, metrics)]
    for rows in (results.evaluations, results.evaluations[::-1]):  # whichever comes last
        assert [c.values for c in evaluated_contenders(rows, metrics)] == expected
    assert rate_points(clean) == []
    assert [line.ablation for line in gap_lines(clean)] == ["zero"] * 3


def test_clean_rows_are_those_the_records_page_asks_for(results: SweepResults) -> None:
    rows = results.evaluations
    asked = rows[(rows["ablation"] == "zero") & (rows["present"] == "tav")]
    assert not asked.duplicated(["contender", "prediction", "config_id", "seed"]).any()
    assert len(asked) == 3 * len(SEEDS) + 1
    assert asked["rate"].isna().all()


def test_a_seed_without_every_subset_has_no_part(layout: SweepLayout) -> None:
    paper = handmade.config_id("paper")
    with handmade.Journal.open(layout.evaluation_journal) as journal:
        for seed, left_out in {1: (), 2: ("tv",), 3: ()}.items():
            for present in handmade.SUBSETS[1:]:
                row = handmade.evaluation("paper", paper, seed, present, 0.3)
                if present not in left_out:
                    journal.append({**row, "ablation": "permutation", "rate": None})
    (line,) = [
        x for x in gap_lines(open_sweep(layout)) if (x.ablation, x.contender.name) == ("permutation", "paper")
    ]
    assert line.gaps["none"].n == 2
    whole = [handmade.test_accuracy("paper", seed, "tav") for seed in (1, 3)]
    assert line.gaps["none"].mean == pytest.approx(np.mean(whole) - 0.3)


def test_before_the_final_evaluation_there_is_nothing(tmp_path: Path) -> None:
    empty = open_sweep(handmade.empty_sweep(tmp_path))
    assert gap_lines(empty) == contribution_lines(empty) == rate_points(empty) == []
    assert label_lines(empty, "0" * 16) == []


def test_each_emotion_of_the_selected_configuration_has_its_own_contributions(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    names = ["accuracy", "weighted_f1", "exact_match", "accuracy_happy", "accuracy_sad", "weighted_f1_happy"]
    handmade.redigested(layout.manifest, metrics=names)
    handmade.write_evaluations(layout)
    config = handmade.config_id(handmade.WINNER)
    with handmade.Journal.open(layout.evaluation_journal) as journal:
        for seed in SEEDS:
            for present in handmade.SUBSETS:
                row = handmade.evaluation("selected", config, seed, present, 0.5)
                happy = 0.5 + 0.1 * seed * ("t" in present and present != "none")
                journal.append(
                    {**row, "accuracy_happy": happy, "accuracy_sad": 0.6, "weighted_f1_happy": 0.1}
                )
    lines = label_lines(open_sweep(layout), config)
    assert [(line.label, line.metric) for line in lines] == [
        ("happy", "accuracy_happy"),
        ("sad", "accuracy_sad"),
    ]
    found = lines[0].contributions
    assert [found[m].mean for m in MODALITIES] == pytest.approx([0.2, 0.0, 0.0])
    assert found[Modality.TEXT].low == pytest.approx(t_interval([0.1, 0.2, 0.3]).low)
    assert lines[1].total.mean == pytest.approx(0.0)
    assert label_lines(open_sweep(layout), "0" * 16) == []
