"""Single steps of training and validation, to measure what a configuration costs before it is trained."""

from __future__ import annotations

import math

import numpy as np
import torch

from causalmer_core.config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import batches_for, epoch_order
from causalmer_core.datasets.folds import folded
from causalmer_core.precision import layers_in
from causalmer_core.seeding import drawing_from
from causalmer_core.trainer import Trainer


class ProbedSteps:
    """Training of a configuration with one seed, taken a step at a time.

    Attributes:
        parameters: how many numbers are trained.
        train_batches: of an epoch.
        valid_batches: of an epoch.
    """

    def __init__(self, config: RunConfig, data: TrainingData, *, seed: int, device: torch.device) -> None:
        self._trainer = Trainer(config, data, seed=seed, device=device)
        self._seed = seed
        self._size = config.trainer.batch_size
        data = folded(data, config.data.split, seed)
        self._train = batches_for(config.data, data, data.train, size=self._size, device=device)
        self._valid = batches_for(config.data, data, data.valid, size=self._size, device=device)
        self._order = epoch_order(len(data.train), seed, 1)
        self.parameters = self._trainer.num_parameters
        self.train_batches = math.ceil(len(data.train) / self._size)
        self.valid_batches = math.ceil(len(data.valid) / self._size)

    def train(self, step: int) -> None:
        """A step on a batch of the first epoch: a full one where the training split has one, over again when all are
        used.
        """
        batch = step % max(1, len(self._order) // self._size)
        chosen = self._order[batch * self._size : (batch + 1) * self._size]
        self._trainer.model.train()
        with drawing_from(self._seed, "dropout", step, device=self._trainer.device):
            for inputs in self._train(chosen):
                self._trainer.step(inputs)

    @torch.no_grad()
    def validate(self) -> None:
        """The first batch of the validation split through the model."""
        self._trainer.model.eval()
        first = np.arange(min(self._size, len(self._valid.split)))
        with layers_in(self._trainer.config.trainer.precision, self._trainer.device):
            for inputs in self._valid(first):
                self._trainer.model(inputs)
