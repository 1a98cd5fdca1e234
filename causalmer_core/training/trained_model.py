"""Loads a trained model from a weights file of `Trainer.save_weights`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from causalmer_core.basics.seeding import drawing_from
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.batches import Batches, batches_for
from causalmer_core.datasets.folds import folded
from causalmer_core.models.build import AnyModel, build_model
from causalmer_core.training.checkpoint import load_tensors


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model with trained weights.

    Attributes:
        model: the model.
        config, seed, epoch: the origin of its weights.
        data: the data it was trained and validated on; with `data.split` the seed's fold.
    """

    model: AnyModel
    config: RunConfig
    seed: int
    epoch: int
    data: TrainingData

    def batches(self, split: Split, *, size: int) -> Batches:
        """The batches of a split as in training, on the CPU."""
        return batches_for(self.config.data, self.data, split, size=size, device=torch.device("cpu"))


def load_trained(path: Path, data: TrainingData) -> TrainedModel:
    """The model of a weights file, on the CPU.

    Args:
        path: the file.
        data: the data set it was trained on; its shapes and task build the model.

    Raises:
        UserError: the file is missing, damaged or of another format.
    """
    tensors, metadata = load_tensors(path)
    config = RunConfig.read(metadata["config"])
    data = folded(data, config.data.split, metadata["seed"])
    with drawing_from(metadata["seed"], "init"):
        model = build_model(config.model, data)
    model.load_state_dict(tensors)
    return TrainedModel(model, config, metadata["seed"], metadata["epoch"], data)
