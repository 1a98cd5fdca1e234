"""Evaluation of a checkpoint on a split.

It is the counterpart of the published inference script, and writes no record. The default is the validation split. The
test split is opened only if a user asks for it by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from causalmer_core.basics.modality import Modality
from causalmer_core.basics.task import Task
from causalmer_core.datasets.store import open_test_split, open_training_data
from causalmer_core.debiasing.cached_logits import evaluate_predictions
from causalmer_core.measures.ablation import Ablation
from causalmer_core.published_checkpoint.imported import load_checkpoint

SplitName = Literal["valid", "test"]


@dataclass(frozen=True, slots=True)
class CheckpointEvaluation:
    """The evaluation of a checkpoint on a split.

    Attributes:
        task: the task of the data set.
        samples: the number of samples.
        metrics: every metric of the task, by removed subset, then by prediction (`PREDICTION_KINDS`).
    """

    task: Task
    samples: int
    metrics: dict[frozenset[Modality], dict[str, dict[str, float]]]


def evaluate_checkpoint(
    checkpoint: Path,
    dataset: str,
    *,
    data_root: Path,
    removed: Iterable[frozenset[Modality]],
    split: SplitName = "valid",
) -> CheckpointEvaluation:
    """Evaluate a checkpoint with each of several subsets of the modalities set to zero.

    Args:
        checkpoint: an imported checkpoint's folder, or a weights file.
        dataset: the data set's name in the store `data_root`.
        data_root: the folder of the store.
        removed: the removed subsets, in the order of the result.
        split: `valid` or `test`.

    Raises:
        UserError: the checkpoint or the data set does not exist, or they do not fit each other.
    """
    data = open_training_data(data_root, dataset)
    trained = load_checkpoint(checkpoint, data)
    samples = open_test_split(data_root, dataset, data.fingerprint) if split == "test" else trained.data.valid
    metrics = {
        subset: evaluate_predictions(trained, samples, Ablation(modalities=subset)) for subset in removed
    }
    return CheckpointEvaluation(data.task, len(samples), metrics)
