"""A trained model, from the weights file that `Trainer.save_weights` wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from causalmer_core.checkpoint import load_tensors
from causalmer_core.config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.model import AnyModel, build_model
from causalmer_core.seeding import drawing_from


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model with trained weights, and the configuration, the seed and the epoch they come from."""

    model: AnyModel
    config: RunConfig
    seed: int
    epoch: int


def load_trained(path: Path, data: TrainingData) -> TrainedModel:
    """The model of a weights file, on the CPU.

    Args:
        path: the file.
        data: the data set it was trained on; its shapes and task build the model.

    Raises:
        UserError: the file is missing, damaged or of another format.
    """
    tensors, metadata = load_tensors(path)
    config = RunConfig.model_validate_json(json.dumps(metadata["config"]))
    with drawing_from(metadata["seed"], "init"):
        model = build_model(config.model, data)
    model.load_state_dict(tensors)
    return TrainedModel(model, config, metadata["seed"], metadata["epoch"])
