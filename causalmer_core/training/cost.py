"""What training a configuration costs, measured on a few steps."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.faults import is_out_of_memory
from causalmer_core.basics.seeding import drawing_from
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import batches_for, epoch_order
from causalmer_core.datasets.folds import folded
from causalmer_core.training.compute import layers_in
from causalmer_core.training.device_memory import DeviceUse, device_use, forget_use, private_bytes
from causalmer_core.training.trainer import Trainer

MEASURED_STEPS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a run.

    Attributes:
        parameters: how many numbers are trained.
        step_seconds: median wall time of a training step, after one to warm up.
        epoch_seconds: of an epoch: its steps, and the validation at a third of a step a batch.
    """

    parameters: int
    step_seconds: float
    epoch_seconds: float


def measure_cost(config: RunConfig, data: TrainingData, *, threads: int) -> Cost:
    """Train a few steps of a configuration on the CPU and time them. The number of threads is set for good."""
    torch.set_num_threads(threads)
    steps = ProbedSteps(config, data, seed=0, device=torch.device("cpu"))
    seconds = []
    for step in range(1 + MEASURED_STEPS):
        started = time.perf_counter()
        steps.train(step)
        seconds.append(time.perf_counter() - started)
    step_seconds = median(seconds[1:])
    per_epoch = steps.train_batches + steps.valid_batches / 3
    return Cost(steps.parameters, step_seconds, per_epoch * step_seconds)


# FOLDED Single steps of training and validation, to measure what a configuration costs before it is trained.
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


# FOLDED What training a configuration takes of memory, measured on two steps in a process of their own.
PROBED_STEPS = 2
"""Adam has its means after the first; the second holds them and its activations at once."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What training takes.

    Attributes:
        device: of the device. Where it has too little, its peak is all that it has.
        host: private memory of the process, in bytes.
    """

    device: DeviceUse
    host: int


def measure_memory(config: RunConfig, data: TrainingData, *, seeds: Sequence[int], device: str) -> MemoryUse:
    """Train two steps of a configuration with each of the seeds, side by side as a block of a sweep does, and validate
    a batch. The process should be fresh: what it computed before counts.

    Raises:
        UserError: torch has no such device; or the configuration does not fit the data.
    """
    there = torch.device(device)
    if there.type == "cuda" and not torch.cuda.is_available():
        raise UserError(
            f"Ray gives out a GPU here, but torch {torch.__version__} sees none. Likely: torch was built for the CPU "
            "alone, or for another driver; install a build for CUDA on this node, or give resources.gpu: 0"
        )
    forget_use(there)
    try:
        block = [ProbedSteps(config, data, seed=seed, device=there) for seed in seeds]
        for step in range(PROBED_STEPS):
            for steps in block:
                steps.train(step)
        for steps in block:
            steps.validate()
        use = device_use(there)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        found = device_use(there)
        use = DeviceUse(found.total - found.context, found.context, found.total)
    return MemoryUse(use, private_bytes())
