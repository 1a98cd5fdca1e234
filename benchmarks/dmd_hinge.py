"""How long DMD's margin loss takes, against a loop over samples as in the published code.

    python benchmarks/dmd_hinge.py [--batch 32] [--rounds 15]

In every round all ways are timed side by side on one CPU thread, forward and backward, so that what else the machine
does meets all of them; medians over rounds, with the least and the most. Features are random, `3 * batch` rows of 30
as in DMD, labels drawn in fifths from -3 to 3 as in CMU-MOSI. "loop" counts its likes with Python's `sum` over a
tensor, as published; "loop, tensor sums" is the same without this.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from causalmer_core.backbones.dmd_losses import MARGIN, label_distances, margin_loss
from causalmer_core.basics.task import Task, TaskKind

REGRESSION = Task(kind=TaskKind.REGRESSION, labels=("sentiment",))
WIDTH = 30
Loss = Callable[[Tensor, Tensor], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    features, labels = random_rows(arguments.batch)
    ways: dict[str, Loss] = {
        "ours": closed_form,
        "loop": partial(looped, count=sum),
        "loop, tensor sums": partial(looped, count=torch.sum),
    }
    check_same(ways, features, labels)
    rounds = [
        {name: seconds(way, features, labels) for name, way in ways.items()} for _ in range(arguments.rounds)
    ]
    table = Table(f"batch {arguments.batch}", "milliseconds [least, most]", "of ours [least, most]")
    for name in ways:
        taken = [1000 * row[name] for row in rounds]
        ratios = [row[name] / row["ours"] for row in rounds]
        table.add_row(name, spread(taken, 2), spread(ratios, 1))
    Console(width=100).print(table)


def random_rows(batch: int) -> tuple[Tensor, Tensor]:
    """Features of three modalities and the labels of their samples."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(-15, 16, (batch,), generator=generator) / 5
    features = torch.randn(3 * batch, WIDTH, generator=generator, requires_grad=True)
    return features, scores.repeat(3)


def closed_form(features: Tensor, labels: Tensor) -> Tensor:
    return margin_loss(features, label_distances(REGRESSION, labels))


def looped(features: Tensor, labels: Tensor, *, count: Callable[[Tensor], Tensor]) -> Tensor:
    """One anchor after another, all its likes against all its unlikes."""
    rows = len(features)
    unit = features / (features.square().sum(1, keepdim=True) + 1e-8).sqrt()
    others = ~torch.eye(rows, dtype=torch.bool)
    cosine = (unit @ unit.T)[others].view(rows, rows - 1)
    distances = (labels[:, None] - labels[None, :]).abs()[others].view(rows, rows - 1)
    like = distances == 0
    total, anchors = features.new_zeros(()), 0
    for row in range(rows):
        alike = count(like[row])
        if not alike or alike == rows - 1:
            continue
        near = cosine[row, like[row]][:, None]
        far = (MARGIN * distances[row] + cosine[row])[~like[row]][None, :]
        total = total + (far - near).clamp(min=0).mean()
        anchors += 1
    return total / max(anchors, 1)


def check_same(ways: dict[str, Loss], features: Tensor, labels: Tensor) -> None:
    """All ways must compute the same, or there is nothing to compare."""
    losses = [way(features, labels) for way in ways.values()]
    gradients = [torch.autograd.grad(loss, features)[0] for loss in losses]
    for loss, gradient in zip(losses[1:], gradients[1:], strict=True):
        torch.testing.assert_close(loss, losses[0])
        torch.testing.assert_close(gradient, gradients[0], rtol=1e-4, atol=1e-6)


def seconds(way: Loss, features: Tensor, labels: Tensor) -> float:
    """Of one forward and backward; the mean of as many as take a twentieth of a second."""
    started, times = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < 0.05 or times < 3:
        torch.autograd.grad(way(features, labels), features)
        times += 1
    return elapsed / times


def spread(values: list[float], digits: int) -> str:
    return f"{median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


if __name__ == "__main__":
    main()
