"""Loads a trained model from a weights file, if the file is from the run that is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import Split, TrainingData
from causalmer_core.datasets.batches import Batches, batches_for
from causalmer_core.datasets.folds import folded
from causalmer_core.models.build import AnyModel, build_model
from causalmer_core.training.checkpoint import REMEDY, load_tensors


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


@dataclass(frozen=True, slots=True)
class WeightsOrigin:
    """The run and the epoch that weights are from.

    Attributes:
        config_id: the configuration's identity.
        seed: the replicate.
        epoch: the epoch after which they were written, the run's best.
        fingerprint: of the data that the run trains on; empty: not known.
    """

    config_id: str
    seed: int
    epoch: int
    fingerprint: str = ""


def read_weights(
    path: Path, origin: WeightsOrigin | None = None, *, remedy: str = REMEDY
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the metadata of a weights file.

    Args:
        path: the file.
        origin: where the weights must be from. None: any run.
        remedy: what the user can do about a damaged or foreign file, for the message.

    Raises:
        DamagedFileError: the file is missing or damaged, or its weights are from elsewhere.
        UserError: the file cannot be read, or a newer version wrote it.
    """
    tensors, metadata = load_tensors(path, remedy=remedy)
    for name, needed in ({} if origin is None else asdict(origin)).items():
        # Files of older versions have no fingerprint; their config_id depends on it.
        unknown = name == "fingerprint" and not (needed and metadata.get(name))
        if not unknown and metadata.get(name) != needed:
            what = f"its weights are of {name} {metadata.get(name)!r}, and those of {needed!r} are needed"
            raise DamagedFileError(path, what, remedy)
    return tensors, metadata


def load_trained(
    path: Path, data: TrainingData, origin: WeightsOrigin | None = None, *, remedy: str = REMEDY
) -> TrainedModel:
    """The model of a weights file, on the CPU.

    Args:
        path: the file.
        data: the data set it was trained on; its shapes and task build the model.
        origin: where the weights must be from. None: any run.
        remedy: what the user can do about a damaged or foreign file, for the message.

    Raises:
        DamagedFileError, UserError: as `read_weights`.
        UserError: the weights do not fit the data set or their own configuration.
    """
    tensors, metadata = read_weights(path, origin, remedy=remedy)
    try:
        config, seed, epoch = RunConfig.read(metadata["config"]), metadata["seed"], metadata["epoch"]
        data = folded(data, config.data.split, seed)
        with drawing_from(seed, "init"):
            model = build_model(config.model, data)
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{path}: its weights do not fit data set {data.name!r} or its own configuration ({str(error)[:200]})"
        ) from error
    return TrainedModel(model, config, seed, epoch, data)
