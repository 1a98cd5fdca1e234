"""Small data sets in the forms of the field's files, to be read by the importer."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

SIZES = {"train": 8, "valid": 4, "test": 5}
STEPS = {"text": 6, "audio": 6, "vision": 6}
WIDTHS = {"text": 4, "audio": 2, "vision": 3}

Splits = dict[str, dict[str, Any]]


def features(rng: np.random.Generator, samples: int, steps: Mapping[str, int]) -> dict[str, Any]:
    """`(samples, steps, width)` float32 of each modality."""
    return {
        key: rng.normal(size=(samples, steps[key], width)).astype(np.float32) for key, width in WIDTHS.items()
    }


def plain_splits(labels: Any = None) -> Splits:
    """Features, and labels of `labels(samples)`, else one-hot pairs of two emotions."""
    rng = np.random.default_rng(3)
    return {
        name: {
            **features(rng, n, STEPS),
            "labels": np.eye(2, dtype=np.int64)[rng.integers(0, 2, (n, 2))] if labels is None else labels(n),
        }
        for name, n in SIZES.items()
    }


def mmsa_splits(*, aligned: bool) -> Splits:
    """As MMSA publishes them: BERT's tokens with a mask of 1 to 6 steps, and lists where it has lists."""
    rng = np.random.default_rng(4)
    steps = STEPS if aligned else {"text": 6, "audio": 9, "vision": 7}
    splits: Splits = {}
    for name, n in SIZES.items():
        words = 1 + np.arange(n) % 6
        mask = (np.arange(6) < words[:, None]).astype(np.float64)
        scores = np.linspace(-2.6, 2.6, n)
        splits[name] = {
            "raw_text": [f"what sample {i} says" for i in range(n)],
            **features(rng, n, steps),
            "id": [f"video{i // 2}$_${i % 2}" for i in range(n)],
            "text_bert": np.stack([mask * 101, mask, mask * 0], axis=1),
            "annotations": np.array([("Negative", "Positive")[int(x > 0)] for x in scores]),
            "regression_labels": scores,
            "classification_labels": np.sign(np.round(scores)) + 1.0,
        }
        if not aligned:
            splits[name]["audio_lengths"] = [i % 10 for i in range(n)]
            splits[name]["vision_lengths"] = [7 - i % 8 for i in range(n)]
    return splits


def write_pickle(path: Path, splits: Mapping[str, Any]) -> Path:
    """One pickle."""
    path.write_bytes(pickle.dumps(splits))
    return path


def flat(splits: Splits) -> dict[str, Any]:
    """`train_text` and so on."""
    return {f"{name}_{key}": value for name, found in splits.items() for key, value in found.items()}


def write_npy(folder: Path, splits: Splits, *, nested: bool = False) -> Path:
    """A folder of `.npy` files, flat or one folder a split."""
    for name, found in splits.items():
        for key, value in found.items():
            path = folder / name / f"{key}.npy" if nested else folder / f"{name}_{key}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, value)
    return folder
