"""What is predicted is told by the labels' form, and a score has the seven classes that are published for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import TaskKind
from causalmer_core.datasets.labels import ReadLabels, read_labels


def read(values: dict[str, Any], kind: TaskKind | None = None) -> ReadLabels:
    return read_labels(values, kind, {split: f"f.pkl: {split}: labels" for split in values})


def splits(make: Callable[[int], Any]) -> dict[str, Any]:
    return {"train": make(6), "valid": make(3), "test": make(4)}


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda n: np.eye(2)[np.arange(n) % 2][:, None], TaskKind.EMOTIONS),
        (lambda n: np.eye(2, dtype=int)[np.arange(4 * n).reshape(n, 4) % 2], TaskKind.EMOTIONS),
        (lambda n: np.tile([1, 1, 0], (n, 1)), TaskKind.EMOTIONS),
        (lambda n: np.arange(n) % 3, TaskKind.CLASSES),
        (lambda n: (np.arange(n) % 3).astype(float), TaskKind.CLASSES),
        (lambda n: list(range(n)), TaskKind.CLASSES),
        (lambda n: np.eye(7)[np.arange(n)], TaskKind.CLASSES),
        (lambda n: np.eye(7)[np.arange(n)][:, None], TaskKind.CLASSES),
        (lambda n: np.linspace(-1, 1, n), TaskKind.REGRESSION),
        (lambda n: np.linspace(-1, 1, n)[:, None, None], TaskKind.REGRESSION),
        (lambda n: np.arange(n) - 1, TaskKind.REGRESSION),
        (lambda n: [0.5] * n, TaskKind.REGRESSION),
    ],
)
def test_the_task_is_recognised(make: Callable[[int], Any], kind: TaskKind) -> None:
    assert read(splits(make)).kind is kind


def test_one_split_of_whole_numbers_does_not_make_classes_of_scores() -> None:
    values = {"train": np.array([0.5, 1.0]), "valid": np.array([1.0, 2.0]), "test": np.array([0.0, 1.0])}
    assert read(values).kind is TaskKind.REGRESSION


@pytest.mark.parametrize(
    "make",
    [
        lambda n: np.ones((n, 4, 2)),
        lambda n: np.full((n, 2), 0.5),
        lambda n: np.zeros((n, 2, 3)),
    ],
)
def test_labels_of_no_form_are_refused_with_all_forms(make: Callable[[int], Any]) -> None:
    with pytest.raises(
        UserError, match=r"f\.pkl: train: labels: .*form of no task; allowed: emotions: .*--map labels"
    ):
        read(splits(make))


def test_scores_are_clipped_and_rounded_half_to_even() -> None:
    scores = np.array([-3.7, -2.5, -1.5, -0.5, -0.2, 0.5, 1.5, 2.5, 2.6, 3.0, 9.0], dtype=np.float32)
    found = read({"train": scores, "valid": scores[:3], "test": scores[5:6]}, TaskKind.CLASSES)
    assert found.names == ("-3", "-2", "-1", "0", "1", "2", "3")
    assert [found.names[i] for i in found.values["train"].astype(int)] == [
        "-3", "-2", "-2", "0", "0", "0", "2", "2", "3", "3", "3"
    ]  # fmt: skip
    assert found.values["train"].dtype == np.int64
    assert found.values["test"].tolist() == [3], "a split without negative scores is read as the others"


def test_whole_scores_are_classes_of_scores_too() -> None:
    found = read(splits(lambda n: np.arange(n, dtype=float) - 2), TaskKind.CLASSES)
    assert found.values["train"].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("values", ["text", None, [["a"]], np.array(3.0), {"a": 1}])
def test_what_is_no_array_of_labels_is_refused(values: Any) -> None:
    with pytest.raises(UserError, match=r"f\.pkl: test: labels: found .*an array of numbers"):
        read({"train": np.arange(3), "valid": np.arange(3), "test": values})
