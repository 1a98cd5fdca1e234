"""Confusion and calibration, on predictions made by hand whose truth is known."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from causalmer_core.basics.task import Task, TaskKind
from results.evaluation.class_tables import calibration, confusions
from results.records.predictions_table import PredictionsTable

CLASSES = Task(kind=TaskKind.CLASSES, labels=("low", "high"))
EMOTIONS = Task(kind=TaskKind.EMOTIONS, labels=("happy", "sad"))
REGRESSION = Task(kind=TaskKind.REGRESSION, labels=("sentiment",))


def row(seed: int, label: list[float], predicted: list[float], logits: list[float]) -> dict[str, Any]:
    return {
        "config_id": "c",
        "contender": "selected",
        "seed": seed,
        "label": label,
        "predicted": predicted,
        "logits": logits,
    }


def table(task: Task | None, *rows: dict[str, Any]) -> PredictionsTable:
    return PredictionsTable(pd.DataFrame(rows, columns=list(row(0, [], [], []))), task)


def sure(share: float) -> float:
    """The logit against 0 with which the softmax is this sure."""
    return math.log(share / (1 - share))


def test_rows_of_a_confusion_are_true_classes_over_all_seeds() -> None:
    rows = [row(seed, [1], [decision], [0, 1]) for seed in (0, 1) for decision in (1, 1, 0)]
    (found,) = confusions(table(CLASSES, *rows), "c", "selected")
    assert found.counts == ((0, 0), (2, 4))
    assert (found.classes, found.seeds) == (("low", "high"), 2)
    assert found.share(1, 1) == pytest.approx(4 / 6)
    assert found.share(0, 0) is None


def test_every_emotion_has_a_confusion_of_its_own() -> None:
    rows = [row(0, [1, 0], [1, 1], [0, 1, 0, 1]), row(0, [0, 0], [1, 0], [0, 1, 1, 0])]
    happy, sad = confusions(table(EMOTIONS, *rows), "c", "selected")
    assert (happy.title, happy.counts) == ("happy", ((0, 1), (0, 1)))
    assert (sad.title, sad.counts) == ("sad", ((1, 1), (0, 0)))


def test_sentiments_are_told_apart_by_the_nearest_whole_number() -> None:
    rows = [row(0, [2.6], [-4.2], [-4.2]), row(0, [-0.2], [0.4], [0.4])]
    (found,) = confusions(table(REGRESSION, *rows), "c", "selected")
    assert found.classes == ("-3", "-2", "-1", "0", "+1", "+2", "+3")
    assert found.counts[6][0] == 1
    assert found.counts[3][3] == 1
    assert calibration(table(REGRESSION, *rows), "c", "selected") is None


def test_a_model_that_is_as_sure_as_right_has_no_calibration_error() -> None:
    logits = [sure(0.75), 0.0]  # always 0.75 sure of the first class
    rows = [row(seed, [label], [0], logits) for seed in (0, 1) for label in (0, 0, 0, 1)]
    found = calibration(table(CLASSES, *rows), "c", "selected")
    assert found is not None
    assert found.error.mean == pytest.approx(0, abs=1e-6)
    assert found.confidence == pytest.approx((0.75,))
    assert found.accuracy == pytest.approx((0.75,))
    assert found.samples == (8,)


def test_the_calibration_error_weighs_bins_by_their_samples() -> None:
    """Three decisions 0.9 sure, of which none is right; one 0.6 sure and right."""
    rows = [row(0, [1], [0], [sure(0.9), 0.0])] * 3 + [row(0, [0], [0], [sure(0.6), 0.0])]
    found = calibration(table(CLASSES, *rows), "c", "selected")
    assert found is not None
    assert found.error.mean == pytest.approx((3 * 0.9 + 1 * 0.4) / 4)
    assert found.error.low is None, "one seed has no interval"


def test_each_emotion_is_a_decision_of_its_own() -> None:
    rows = [row(0, [1, 0], [1, 1], [0.0, sure(0.8), 0.0, sure(0.8)])]
    found = calibration(table(EMOTIONS, *rows), "c", "selected")
    assert found is not None
    assert found.samples == (2,)
    assert found.accuracy == (0.5,)


def test_without_predictions_there_is_nothing_to_tell() -> None:
    for empty in (table(None), table(CLASSES), table(CLASSES, row(0, [1], [1], [0, 1]))):
        assert confusions(empty, "another", "selected") == []
        assert calibration(empty, "another", "selected") is None
