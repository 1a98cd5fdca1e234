"""One metric of many predictors at once, on many subsets of the samples.

It scores thousands of choices made after training (`debiasing`). There `metrics.compute_metrics`, which computes all
metrics of one predictor, would take most of the time. The values are equal except for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.measures.metrics import checked_metric


def batched_metric(
    task: Task, logits: Tensor, labels: Tensor, name: str, subsets: Sequence[Tensor]
) -> Tensor:
    """A metric of K predictors on S subsets of the samples, `(K, S)` float64.

    Args:
        task: the task.
        logits: `(K, samples, outputs)`.
        labels: `(samples, emotions)`, `(samples,)` classes or `(samples,)` scores.
        name: the metric.
        subsets: S arrays of sample indices, int64. On an empty subset every metric is 0.

    Raises:
        UserError: the task has no metric of that name.
    """
    checked_metric(task, name)
    predicted = _predicted(task, logits)
    values = [_metric(task, name, predicted[:, subset], labels[subset]) for subset in subsets]
    return torch.stack(values, dim=1)


def _predicted(task: Task, logits: Tensor) -> Tensor:
    if task.kind is TaskKind.EMOTIONS:
        return logits[..., 1::2] > logits[..., 0::2]
    if task.kind is TaskKind.CLASSES:
        return logits.argmax(-1)
    return logits.squeeze(-1).double()


def _metric(task: Task, name: str, predicted: Tensor, labels: Tensor) -> Tensor:
    """The metric `(K,)` of predictions `(K, samples, ...)` for labels `(samples, ...)`."""
    if task.kind is TaskKind.REGRESSION:
        return _regression(name, predicted, labels.double())
    if task.kind is TaskKind.CLASSES:
        return _classes(task, name, predicted, labels)
    return _emotions(task, name, predicted, labels.bool())


def _classes(task: Task, name: str, predicted: Tensor, labels: Tensor) -> Tensor:
    if name == "accuracy":
        return _accuracy(predicted, labels)
    if name == "weighted_f1":
        return _weighted_f1(predicted, labels, range(task.num_outputs))
    metric, label = name.split("_", 1)
    truth, said = labels == task.labels.index(label), predicted == task.labels.index(label)
    if metric == "recall":
        return _mean(said[:, truth])
    return 2 * (said & truth).sum(1).double() / (said.sum(1) + truth.sum()).clamp(min=1)


def _emotions(task: Task, name: str, predicted: Tensor, labels: Tensor) -> Tensor:
    if name == "exact_match":
        return _mean((predicted == labels).all(-1))
    for column, label in enumerate(task.labels):
        if name == f"accuracy_{label}":
            return _accuracy(predicted[..., column], labels[:, column])
        if name == f"weighted_f1_{label}":
            return _weighted_f1(predicted[..., column], labels[:, column])
    if name == "accuracy":
        return _mean((predicted == labels).double().mean(-1))
    columns = range(len(task.labels))
    return torch.stack([_weighted_f1(predicted[..., c], labels[:, c]) for c in columns]).mean(0)


def _regression(name: str, scores: Tensor, labels: Tensor) -> Tensor:
    if name == "mae":
        return _mean((scores - labels).abs())
    if name == "correlation":
        return _correlation(scores, labels)
    if name in ("accuracy_7", "accuracy_5"):
        bound = 3 if name == "accuracy_7" else 2
        return _accuracy(scores.clamp(-bound, bound).round(), labels.clamp(-bound, bound).round())
    if name.endswith("_nonnegative"):
        decided, truth = scores >= 0, labels >= 0
    else:
        nonzero = labels != 0
        decided, truth = scores[:, nonzero] > 0, labels[nonzero] > 0
    return _accuracy(decided, truth) if name.startswith("accuracy") else _weighted_f1(decided, truth)


def _accuracy(predicted: Tensor, labels: Tensor) -> Tensor:
    return _mean(predicted == labels)


def _mean(values: Tensor) -> Tensor:
    """The mean over the samples; 0 without any."""
    return values.double().sum(1) / max(values.shape[1], 1)


def _weighted_f1(predicted: Tensor, labels: Tensor, classes: Sequence[int] = (0, 1)) -> Tensor:
    """`sum_c n_c / n * 2 TP_c / (n_c + P_c)`: n_c samples are of class c, P_c predicted as c, TP_c both."""
    total = torch.zeros(len(predicted), dtype=torch.float64)
    for label in classes:
        truth, said = labels == label, predicted == label
        support = truth.sum()
        if support:
            total += support * 2 * (said & truth).sum(1) / (support + said.sum(1))
    return total / max(len(labels), 1)


def _correlation(scores: Tensor, labels: Tensor) -> Tensor:
    """Pearson's correlation; 0 if either is constant or there are fewer than two samples."""
    undefined = torch.zeros(len(scores), dtype=torch.float64)
    if len(labels) < 2 or labels.min() == labels.max():
        return undefined
    varies = scores.amin(1) != scores.amax(1)
    x, y = scores - scores.mean(1, keepdim=True), labels - labels.mean()
    correlation = (x @ y) / (x.square().sum(1) * y.square().sum()).sqrt()
    return torch.where(varies, correlation, undefined)
