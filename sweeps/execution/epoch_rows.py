"""Rows of the epochs table, made from the trainer's results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from causalmer_core.measures.ablation import worst_missing
from causalmer_core.measures.metrics import metric_directions
from causalmer_core.training.trainer import EpochResult, Trainer
from results.records.objectives import WORST_MISSING


def epoch_row(result: EpochResult, phase: str) -> dict[str, Any]:
    """An epoch as a row of the epochs table.

    Args:
        result: the trainer's result of the epoch.
        phase: the phase of the run's job.
    """
    text, audio, vision = result.constants or (None, None, None)
    return {
        "epoch": result.epoch,
        "phase": phase,
        "train_loss": result.train.total,
        "train_task_loss": result.train.task,
        "train_kl_loss": result.train.kl,
        "valid_loss": result.valid.total,
        "valid_task_loss": result.valid.task,
        "valid_kl_loss": result.valid.kl,
        "learning_rate": result.learning_rate,
        "constant_text": text,
        "constant_audio": audio,
        "constant_vision": vision,
        "is_best": result.is_best,
        "seconds": result.seconds,
        **{f"valid_{name}": value for name, value in result.metrics.items()},
    }


def without_one(trainer: Trainer, metrics: Sequence[str]) -> dict[str, float]:
    """Each metric's worst value on the validation split without one modality, by its column of the epochs table."""
    directions = metric_directions(trainer.model.task)
    found = worst_missing(lambda r: trainer.validate(r).metrics, {name: directions[name] for name in metrics})
    return {f"{WORST_MISSING}{name}": value for name, value in found.items()}
