"""The metrics of many predictors at once are those of one predictor at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from cached_logits import TASKS
from hypothesis import given, settings
from hypothesis import strategies as st

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.task import TaskKind
from causalmer_core.measures.batched_metrics import batched_metric
from causalmer_core.measures.metrics import compute_metrics, metric_directions, predicted_labels


def drawn(kind: TaskKind, samples: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Coarse logits, so that ties, single classes and constant predictions occur."""
    rng = np.random.default_rng(seed)
    outputs = TASKS[kind].num_outputs
    logits = torch.from_numpy(rng.integers(-2, 3, (4, samples, outputs)).astype(np.float32) / 2)
    labels: Any
    if kind is TaskKind.EMOTIONS:
        labels = rng.integers(0, 2, (samples, outputs // 2))
    elif kind is TaskKind.CLASSES:
        labels = rng.integers(0, outputs, samples)
    else:
        labels = rng.integers(-6, 7, samples).astype(np.float32) / 2
    return logits, torch.from_numpy(labels)


@pytest.mark.parametrize("kind", list(TaskKind))
@settings(max_examples=30, deadline=None)
@given(samples=st.integers(1, 12), seed=st.integers(0, 10**6), data=st.data())
def test_every_metric_is_that_of_compute_metrics_on_every_subset(
    kind: TaskKind, samples: int, seed: int, data: st.DataObject
) -> None:
    task = TASKS[kind]
    logits, labels = drawn(kind, samples, seed)
    chosen = data.draw(st.lists(st.integers(0, samples - 1), unique=True, min_size=1))
    subsets = [torch.arange(samples), torch.tensor(sorted(chosen))]
    slow = [
        [compute_metrics(task, predicted_labels(task, z[s].numpy()), labels[s].numpy()) for s in subsets]
        for z in logits
    ]
    for name in metric_directions(task):
        found = batched_metric(task, logits, labels, name, subsets).numpy()
        expected = [[metrics[name] for metrics in row] for row in slow]
        np.testing.assert_allclose(found, expected, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("kind", list(TaskKind))
def test_on_no_sample_every_metric_is_zero(kind: TaskKind) -> None:
    logits, labels = drawn(kind, 3, 0)
    nothing = [torch.empty(0, dtype=torch.int64)]
    for name in metric_directions(TASKS[kind]):
        assert batched_metric(TASKS[kind], logits, labels, name, nothing).tolist() == [[0.0]] * 4, name


def test_a_metric_of_another_task_is_refused() -> None:
    logits, labels = drawn(TaskKind.CLASSES, 3, 0)
    with pytest.raises(UserError, match="mae"):
        batched_metric(TASKS[TaskKind.CLASSES], logits, labels, "mae", [torch.arange(3)])
