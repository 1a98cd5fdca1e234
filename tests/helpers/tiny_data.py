"""Small data sets in memory, and small configurations to train on them.

Lengths and widths differ in every modality, and the last steps of some samples are padding. Labels follow the
text's first channels, so that there is something to learn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalmer_core.basics.modality import MODALITIES, Modality
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import FeatureStatistics, Split, TrainingData

WIDTHS = {Modality.TEXT: 6, Modality.AUDIO: 5, Modality.VISION: 4}
LENGTHS = {Modality.TEXT: 5, Modality.AUDIO: 8, Modality.VISION: 7}
TASKS = {
    TaskKind.EMOTIONS: Task(kind=TaskKind.EMOTIONS, labels=("neutral", "happy", "sad", "angry")),
    TaskKind.CLASSES: Task(kind=TaskKind.CLASSES, labels=("low", "middle", "high")),
    TaskKind.REGRESSION: Task(kind=TaskKind.REGRESSION, labels=("sentiment",)),
}
MONITORS = {TaskKind.EMOTIONS: "accuracy", TaskKind.CLASSES: "weighted_f1", TaskKind.REGRESSION: "mae"}

SMALL_MODEL = {
    "model.backbone": {
        "hidden_dim": 8,
        "num_heads": 2,
        "layers": 1,
        "memory_layers": 1,
        "kernel_text": 1,
        "kernel_audio": 3,
        "kernel_vision": 1,
    },
    "model.text_branch": {"name": "transformer", "hidden_dim": 8, "num_heads": 2},
    "model.audio_branch": {"name": "small_conv", "hidden_dim": 6},
    "model.vision_branch": {"name": "small_conv", "hidden_dim": 6},
}
NO_DROPOUT = {
    **{f"model.backbone.{name}_dropout": 0.0 for name in ("attn", "relu", "embed", "res", "out")},
    "model.text_branch.dropout": 0.0,
    "model.audio_branch.dropout": 0.0,
    "model.vision_branch.dropout": 0.0,
}


def tiny_split(kind: TaskKind, samples: int, *, key: int, ids: str = "s") -> Split:
    """A split of random features with padding, and labels that the first text step gives away."""
    rng = np.random.default_rng(key)
    features = {}
    for modality in MODALITIES:
        values = rng.standard_normal((samples, LENGTHS[modality], WIDTHS[modality])).astype(np.float32)
        for sample, padded in enumerate(rng.integers(0, LENGTHS[modality] - 1, samples)):
            values[sample, LENGTHS[modality] - padded :] = 0
        features[modality] = values
    clues = features[Modality.TEXT][:, 0, :4]
    labels: Any
    if kind is TaskKind.EMOTIONS:
        labels = (clues > 0).astype(np.int64)
    elif kind is TaskKind.CLASSES:
        labels = np.digitize(clues[:, 0], [-0.5, 0.5]).astype(np.int64)
    else:
        labels = np.clip(clues[:, 0], -3, 3).astype(np.float32)
    return Split(features=features, labels=labels, ids=[f"{ids}{i}" for i in range(samples)])


def statistics_of(split: Split) -> dict[Modality, FeatureStatistics]:
    """Mean and standard deviation over the steps that are not padding."""
    statistics = {}
    for modality in MODALITIES:
        steps = split.features[modality][split.features[modality].any(axis=2)]
        statistics[modality] = FeatureStatistics(mean=steps.mean(axis=0), std=steps.std(axis=0))
    return statistics


def tiny_data(kind: TaskKind, *, train: int = 21, valid: int = 9) -> TrainingData:
    """A data set of one task kind; with batches of 4, the last training batch of 21 would hold one sample."""
    split = tiny_split(kind, train, key=1)
    return TrainingData(
        name="tiny",
        task=TASKS[kind],
        fingerprint="f" * 64,
        train=split,
        valid=tiny_split(kind, valid, key=2, ids="v"),
        statistics=statistics_of(split),
    )


def tiny_config(kind: TaskKind, **values: Any) -> RunConfig:
    """A configuration that trains in milliseconds; `values` by dotted path, a dot written as two underscores."""
    base: dict[str, Any] = {
        **SMALL_MODEL,
        "trainer.batch_size": 4,
        "trainer.max_epochs": 3,
        "trainer.monitor": MONITORS[kind],
        "optimiser.learning_rates.text": 2e-3,
    }
    changes = {path.replace("__", "."): value for path, value in values.items()}
    return RunConfig().with_values(base).with_values(changes)
