"""The contenders on the test split and how they compare, against the hand-made truth."""

from __future__ import annotations

import handmade
import pandas as pd
import pytest

from results.evaluation.evaluation_table import PRESENT, difference, evaluated_contenders, leads
from results.records.dataset import SweepResults
from results.statistics.intervals import t_interval
from results.statistics.paired import holm


def test_contenders_come_in_order_with_intervals_over_seeds(results: SweepResults) -> None:
    found = evaluated_contenders(results.evaluations, results.manifest.metrics)
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
    majority = evaluated_contenders(results.evaluations, results.manifest.metrics)[-1]
    interval = majority.interval("accuracy")
    assert interval is not None
    assert (interval.mean, interval.low) == (handmade.MAJORITY, None)
    assert majority.interval("accuracy", "unheard of") is None


def test_contenders_are_compared_on_the_seeds_they_share(results: SweepResults) -> None:
    selected, paper, _, majority = evaluated_contenders(results.evaluations, results.manifest.metrics)
    gap = difference(selected, paper, "accuracy")
    assert gap is not None
    assert gap.seeds == (1, 2, 3)
    assert gap.interval.mean == pytest.approx(0.77 - 0.72)
    assert difference(selected, majority, "accuracy") is None


def test_two_predictions_of_one_model_are_two_entries(results: SweepResults) -> None:
    twice = pd.concat([results.evaluations, results.evaluations.assign(prediction="other")])
    names = [(c.name, c.prediction) for c in evaluated_contenders(twice, results.manifest.metrics)]
    assert names[:2] == [("selected", "tie"), ("selected", "other")]


def test_leads_are_paired_differences_with_corrected_p_values(results: SweepResults) -> None:
    selected, *others = evaluated_contenders(results.evaluations, results.manifest.metrics)
    found = leads(selected, others, "accuracy")
    assert [lead.other.name for lead in found] == ["paper", "undebiased", "majority"]
    gaps = [difference(selected, other, "accuracy") for other in others[:2]]
    for lead, gap in zip(found, gaps, strict=False):
        assert gap is not None
        assert lead.interval == gap.interval
        assert lead.effect_size == gap.effect_size
    raw = [gap.p_value for gap in gaps if gap is not None and gap.p_value is not None]
    assert [lead.p_value for lead in found[:2]] == list(holm(raw))


def test_a_lead_over_a_baseline_is_over_its_one_value(results: SweepResults) -> None:
    selected, *_, majority = evaluated_contenders(results.evaluations, results.manifest.metrics)
    (lead,) = leads(selected, [majority], "accuracy")
    own = [handmade.test_accuracy(handmade.WINNER, seed, "tav") for seed in handmade.CONFIRM_SEEDS]
    truth = t_interval([value - handmade.MAJORITY for value in own])
    assert lead.interval.mean == pytest.approx(truth.mean)
    assert lead.interval.low == pytest.approx(truth.low)
    assert lead.p_value is None
