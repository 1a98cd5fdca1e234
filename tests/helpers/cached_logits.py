"""Branch logits made by hand, for everything that chooses after training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.debiasing.cached_logits import CachedLogits
from causalmer_core.debiasing.fit import SMOOTHING
from causalmer_core.method.effects import effects

TASKS = {
    TaskKind.EMOTIONS: Task(kind=TaskKind.EMOTIONS, labels=("happy", "sad", "angry")),
    TaskKind.CLASSES: Task(kind=TaskKind.CLASSES, labels=("low", "middle", "high")),
    TaskKind.REGRESSION: Task(kind=TaskKind.REGRESSION, labels=("sentiment",)),
}


def random_logits(
    kind: TaskKind,
    fusion: str,
    *,
    samples: int = 60,
    seed: int = 0,
    scale: float = 1.5,
    form: Any = "log_space",
) -> CachedLogits:
    """Logits and labels without any relation to each other."""
    rng = np.random.default_rng(seed)
    task = TASKS[kind]
    z = [(scale * rng.standard_normal((samples, task.num_outputs))).astype(np.float32) for _ in range(4)]
    labels: Any
    if kind is TaskKind.EMOTIONS:
        labels = rng.integers(0, 2, (samples, len(task.labels)))
    elif kind is TaskKind.CLASSES:
        labels = rng.integers(0, task.num_outputs, samples)
    else:
        labels = rng.uniform(-3, 3, samples).astype(np.float32)
    return CachedLogits(*z, labels, task, fusion, form)


def broken_shortcut(*, samples: int = 200, seed: int = 0) -> CachedLogits:
    """Binary classes under fusion `tanh`: the backbone is a little right, vision says the label's opposite loudly.

    Vision stands for a shortcut that held in training and breaks in validation. With fusion `tanh` the NDE of vision
    is tanh z_v + a constant, so that a weight w_v leaves (1 - w_v) tanh z_v in the prediction: the paper's w = 1 takes
    the shortcut out, and w_v = 2 turns it around.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, samples)
    signs = 2.0 * labels - 1.0
    task = Task(kind=TaskKind.CLASSES, labels=("no", "yes"))

    def pair(evidence: Any) -> Any:
        return (np.stack([-evidence, evidence], axis=1) / 2).astype(np.float32)

    backbone = pair(0.6 * signs + rng.standard_normal(samples))
    vision = pair(-3.0 * signs)
    silent = pair(0.1 * rng.standard_normal(samples))
    return CachedLogits(backbone, silent, silent, vision, labels, task, "tanh")


def fitted_loss(
    cached: CachedLogits, constants: tuple[float, float, float], weights: np.ndarray, *, ridge: float = 1e-3
) -> float:
    """The task loss of `TIE_w` plus `ridge / 2 |w - 1|^2`, which `learned` minimises.

    A regression's L1 loss smoothed.
    """
    found = effects(cached.fuse, cached.branches, torch.tensor(constants))
    removed = zip(weights, (found.nde_text, found.nde_audio, found.nde_vision), strict=True)
    logits = found.te.double() - sum(weight * effect.double() for weight, effect in removed)
    labels = torch.from_numpy(np.array(cached.labels))
    if cached.task.kind is TaskKind.REGRESSION:
        smoothing = SMOOTHING[-1]
        loss = (
            torch.hypot(logits[:, 0] - labels, torch.tensor(smoothing, dtype=torch.double)) - smoothing
        ).mean()
    else:
        classes = 2 if cached.task.kind is TaskKind.EMOTIONS else cached.task.num_outputs
        loss = F.cross_entropy(logits.reshape(-1, classes), labels.reshape(-1))
    return float(loss) + ridge / 2 * float(((weights - 1) ** 2).sum())
