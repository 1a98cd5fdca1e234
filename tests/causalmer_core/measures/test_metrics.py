"""Metrics against scikit-learn and scipy on random cases, and their edge cases. Warnings are errors here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import pearsonr
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, recall_score
from tiny_data import TASKS

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.measures.metrics import (
    checked_metric,
    compute_metrics,
    label_metrics,
    majority_predictions,
    metric_directions,
    metric_notes,
    predicted_labels,
)

EMOTIONS, CLASSES, REGRESSION = (TASKS[kind] for kind in TaskKind)
EVERY_TASK = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
KEYS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 40)
SCORES = st.integers(1, 30).flatmap(
    lambda n: st.tuples(*[arrays(np.float32, n, elements=st.floats(-4, 4, width=32)) for _ in range(2)])
)


def weighted_f1(labels: NDArray[Any], predictions: NDArray[Any]) -> float:
    return float(f1_score(labels, predictions, average="weighted", zero_division=0))


@given(key=KEYS, size=SIZES)
def test_emotions_are_scored_one_by_one_and_averaged(key: int, size: int) -> None:
    rng = np.random.default_rng(key)
    labels, predictions = rng.integers(0, 2, (2, size, 4))
    found = compute_metrics(EMOTIONS, predictions, labels)
    accuracies = [accuracy_score(labels[:, k], predictions[:, k]) for k in range(4)]
    f1s = [weighted_f1(labels[:, k], predictions[:, k]) for k in range(4)]
    for k, name in enumerate(EMOTIONS.labels):
        assert found[f"accuracy_{name}"] == pytest.approx(accuracies[k])
        assert found[f"weighted_f1_{name}"] == pytest.approx(f1s[k])
    assert found["accuracy"] == pytest.approx(np.mean(accuracies))
    assert found["weighted_f1"] == pytest.approx(np.mean(f1s))
    assert found["exact_match"] == pytest.approx(accuracy_score(labels, predictions))


@given(key=KEYS, size=SIZES)
def test_classes_are_scored_as_scikit_learn_scores_them(key: int, size: int) -> None:
    labels, predictions = np.random.default_rng(key).integers(0, 3, (2, size))
    found = compute_metrics(CLASSES, predictions, labels)
    each: Any = {"average": None, "labels": [0, 1, 2], "zero_division": 0}
    recalls, f1s = (score(labels, predictions, **each) for score in (recall_score, f1_score))
    expected = {
        "accuracy": accuracy_score(labels, predictions),
        "weighted_f1": weighted_f1(labels, predictions),
        **{f"recall_{name}": value for name, value in zip(CLASSES.labels, recalls, strict=True)},
        **{f"f1_{name}": value for name, value in zip(CLASSES.labels, f1s, strict=True)},
    }
    assert found == pytest.approx(expected)
    shares = np.bincount(labels, minlength=3) / size
    assert found["accuracy"] == pytest.approx(sum(shares * recalls))
    assert found["weighted_f1"] == pytest.approx(sum(shares * f1s))


@given(pair=SCORES)
def test_scores_are_judged_as_scikit_learn_and_scipy_judge_them(
    pair: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> None:
    scores, labels = pair
    found = compute_metrics(REGRESSION, scores, labels)
    exact = mean_absolute_error(labels.astype(np.float64), scores.astype(np.float64))
    assert found["mae"] == pytest.approx(exact, abs=1e-9)
    for name, bound in {"accuracy_7": 3, "accuracy_5": 2}.items():
        rounded = [np.round(np.clip(x, -bound, bound)) for x in (labels, scores)]
        assert found[name] == pytest.approx(accuracy_score(*rounded))
    assert found["accuracy_2_nonnegative"] == pytest.approx(accuracy_score(labels >= 0, scores >= 0))
    assert found["weighted_f1_nonnegative"] == pytest.approx(weighted_f1(labels >= 0, scores >= 0))
    kept = labels != 0
    if kept.any():
        signs = labels[kept] > 0, scores[kept] > 0
        assert found["accuracy_2_positive"] == pytest.approx(accuracy_score(*signs))
        assert found["weighted_f1_positive"] == pytest.approx(weighted_f1(*signs))
    else:
        assert found["accuracy_2_positive"] == found["weighted_f1_positive"] == 0
    assert -1 <= found["correlation"] <= 1


@given(key=KEYS, size=st.integers(3, 40))
def test_the_correlation_is_pearson_s(key: int, size: int) -> None:
    scores, labels = np.random.default_rng(key).normal(size=(2, size))
    found = compute_metrics(REGRESSION, scores, labels)["correlation"]
    assert found == pytest.approx(pearsonr(scores, labels).statistic, abs=1e-9)


@EVERY_TASK
@given(key=KEYS, size=SIZES)
def test_perfect_predictions_score_best(task: Task, key: int, size: int) -> None:
    rng = np.random.default_rng(key)
    labels: Any = {
        TaskKind.EMOTIONS: rng.integers(0, 2, (size, 4)),
        TaskKind.CLASSES: rng.integers(0, 3, size),
        TaskKind.REGRESSION: rng.uniform(0.5, 3, size) * rng.choice([-1, 1], size),
    }[task.kind]
    found = compute_metrics(task, labels, labels)
    best = {name: 0.0 if direction == "min" else 1.0 for name, direction in metric_directions(task).items()}
    if size == 1:
        best |= {"correlation": 0.0} if "correlation" in best else {}
    if task.kind is TaskKind.CLASSES:  # undefined, and so 0, for classes without a sample
        absent = [name for index, name in enumerate(task.labels) if index not in labels]
        best |= {f"{metric}_{name}": 0.0 for metric in ("recall", "f1") for name in absent}
    assert found == pytest.approx(best)


@EVERY_TASK
def test_an_empty_set_scores_zero_throughout(task: Task) -> None:
    labels = np.zeros((0, 4) if task.kind is TaskKind.EMOTIONS else 0, np.int64)
    assert set(compute_metrics(task, labels, labels).values()) == {0.0}


@pytest.mark.parametrize("constant", [0.0, 0.1, -2.5])
def test_constant_predictions_correlate_with_nothing(constant: float) -> None:
    labels = np.array([-1.0, 0.5, 2.0], np.float32)
    assert compute_metrics(REGRESSION, np.full(3, constant, np.float32), labels)["correlation"] == 0
    assert compute_metrics(REGRESSION, labels, np.full(3, constant, np.float32))["correlation"] == 0


def test_with_one_class_present_the_weighted_f1_is_that_class_s() -> None:
    labels = np.zeros(4, np.int64)
    assert compute_metrics(CLASSES, np.array([0, 0, 0, 1]), labels)["weighted_f1"] == pytest.approx(6 / 7)
    assert compute_metrics(CLASSES, np.full(4, 2), labels)["weighted_f1"] == 0


def test_where_every_score_is_neutral_the_metrics_without_zeros_are_zero() -> None:
    found = compute_metrics(REGRESSION, np.array([0.1, -0.1]), np.zeros(2))
    assert found["accuracy_2_positive"] == found["weighted_f1_positive"] == 0
    assert found["accuracy_2_nonnegative"] == 0.5


def test_halves_round_to_even() -> None:
    labels = np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5])
    assert compute_metrics(REGRESSION, np.array([0, 2, 2, 0, -2, -2]), labels)["accuracy_7"] == 1
    assert compute_metrics(REGRESSION, np.array([1, 1, 3, -1, -1, -3]), labels)["accuracy_7"] == 0


def test_scores_beyond_the_scale_count_as_its_ends() -> None:
    found = compute_metrics(REGRESSION, np.array([9.0, -9.0]), np.array([3.0, -3.0]))
    assert found["accuracy_7"] == found["accuracy_5"] == 1
    assert compute_metrics(REGRESSION, np.array([2.0]), np.array([3.0]))["accuracy_5"] == 1
    assert compute_metrics(REGRESSION, np.array([2.0]), np.array([3.0]))["accuracy_7"] == 0


def test_zero_is_non_negative_and_never_positive() -> None:
    found = compute_metrics(REGRESSION, np.array([0.0, 0.0]), np.array([0.0, 1.0]))
    assert found["accuracy_2_nonnegative"] == 1
    assert found["accuracy_2_positive"] == 0


@EVERY_TASK
def test_every_metric_has_a_direction_and_only_mae_is_better_low(task: Task) -> None:
    directions = metric_directions(task)
    shape = (3, 4) if task.kind is TaskKind.EMOTIONS else 3
    assert list(compute_metrics(task, np.ones(shape, int), np.ones(shape, int))) == list(directions)
    for name, direction in directions.items():
        assert direction == checked_metric(task, name) == ("min" if name == "mae" else "max")


@EVERY_TASK
def test_an_unknown_metric_is_an_error_that_lists_the_task_s_own(task: Task) -> None:
    with pytest.raises(UserError) as error:
        checked_metric(task, "acuracy_2_positve")
    assert task.kind in str(error.value)
    assert all(name in str(error.value) for name in metric_directions(task))


def test_a_misspelt_metric_gets_the_likely_one() -> None:
    with pytest.raises(UserError, match=r"did you mean 'weighted_f1'\?"):
        checked_metric(CLASSES, "weigthed_f1")
    with pytest.raises(UserError, match="'mae'"):
        checked_metric(CLASSES, "mae")


def test_decisions_are_the_argmax_of_pairs_the_argmax_or_the_score() -> None:
    logits = np.array([[0, 1, 5, 4, -1, -2, 3, 3.5], [9, 0, 0, 9, 0, 9, 9, 0]])
    assert predicted_labels(EMOTIONS, logits).tolist() == [[1, 0, 0, 1], [0, 1, 1, 0]]
    assert predicted_labels(CLASSES, logits[:, :3]).tolist() == [2, 0]
    assert predicted_labels(REGRESSION, np.array([[0.5], [-1.0]])).tolist() == [0.5, -1.0]


def test_the_majority_baseline_is_the_commonest_answer_in_training() -> None:
    emotions = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [1, 1, 0, 0]])
    assert majority_predictions(EMOTIONS, emotions, 2).tolist() == [[0, 1, 0, 0]] * 2
    assert majority_predictions(CLASSES, np.array([2, 0, 2, 1]), 3).tolist() == [2, 2, 2]
    assert majority_predictions(REGRESSION, np.array([-3.0, 0.5, 1.0]), 2).tolist() == [0.5, 0.5]


@EVERY_TASK
@settings(max_examples=20)
@given(key=KEYS)
def test_no_constant_answer_beats_the_majority_baseline_on_the_training_labels(task: Task, key: int) -> None:
    rng = np.random.default_rng(key)
    name, labels, constants = {
        TaskKind.EMOTIONS: ("accuracy", rng.integers(0, 2, (9, 4)), rng.integers(0, 2, (6, 4))),
        TaskKind.CLASSES: ("accuracy", rng.integers(0, 3, 9), np.arange(3)),
        TaskKind.REGRESSION: ("mae", rng.uniform(-3, 3, 9), rng.uniform(-3, 3, 6)),
    }[task.kind]
    sign = 1 if checked_metric(task, name) == "max" else -1
    best = sign * compute_metrics(task, majority_predictions(task, labels, 9), labels)[name]
    for constant in constants:
        predictions = np.tile(constant, (9, 1)) if np.ndim(constant) else np.full(9, constant)
        assert sign * compute_metrics(task, predictions, labels)[name] <= best + 1e-12


@pytest.mark.parametrize(
    ("kind", "predictions", "labels", "words"),
    [
        (TaskKind.EMOTIONS, [[0] * 4, [1] * 4], [[0, 1, 0, 1], [1, 0, 0, 1]], ["sad", "angry"]),
        (TaskKind.CLASSES, [0, 1, 2], [1, 1, 1], ["the labels", "class low", "class high"]),
        (TaskKind.REGRESSION, [0.5, 0.5], [1.0, -1.0], ["predictions are constant"]),
        (TaskKind.REGRESSION, [0.5, -0.5], [0.0, 0.0], ["labels are constant", "no label differs from 0"]),
    ],
)
def test_what_is_undefined_or_easy_is_said(
    kind: TaskKind, predictions: list[Any], labels: list[Any], words: list[str]
) -> None:
    notes = metric_notes(TASKS[kind], np.array(predictions), np.array(labels))
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


def test_where_every_metric_is_defined_nothing_is_said() -> None:
    assert metric_notes(TASKS[TaskKind.REGRESSION], np.array([0.1, 0.9]), np.array([-1.0, 2.0])) == ()
    assert metric_notes(TASKS[TaskKind.CLASSES], np.array([0, 0, 0]), np.array([0, 1, 2])) == ()


@pytest.mark.parametrize(
    ("task", "metric", "prefix"),
    [
        (EMOTIONS, "accuracy", "accuracy"),
        (EMOTIONS, "exact_match", "accuracy"),
        (EMOTIONS, "accuracy_happy", "accuracy"),
        (EMOTIONS, "weighted_f1", "weighted_f1"),
        (EMOTIONS, "weighted_f1_sad", "weighted_f1"),
        (CLASSES, "accuracy", "recall"),
        (CLASSES, "recall_low", "recall"),
        (CLASSES, "weighted_f1", "f1"),
        (CLASSES, "f1_high", "f1"),
    ],
)
def test_with_a_metric_goes_its_own_part_for_every_label(task: Task, metric: str, prefix: str) -> None:
    found = label_metrics(metric_directions(task), metric)
    assert found == {label: f"{prefix}_{label}" for label in task.labels}


@pytest.mark.parametrize("metric", metric_directions(REGRESSION))
def test_a_regression_has_no_labels_to_take_apart(metric: str) -> None:
    assert label_metrics(metric_directions(REGRESSION), metric) == {}
