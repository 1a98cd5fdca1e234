"""The cost of training a configuration in time and memory, measured on a few steps."""

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
        parameters: the number of trained parameters.
        step_seconds: median wall time of a training step in seconds, after one step to warm up.
        epoch_seconds: wall time of an epoch in seconds: its steps, and validation batches at a third of a step each.
    """

    parameters: int
    step_seconds: float
    epoch_seconds: float


def measure_cost(config: RunConfig, data: TrainingData, *, threads: int) -> Cost:
    """Train a few steps of a configuration on the CPU and time them.

    The number of threads stays set in this process.
    """
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


class ProbedSteps:
    """Single steps of training and validation, for a configuration and one seed.

    Attributes:
        parameters: the number of trained parameters.
        train_batches: training batches of an epoch.
        valid_batches: validation batches of an epoch.
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
        """Train one step, on a full batch of the first epoch if there is one; batches repeat after the last."""
        batch = step % max(1, len(self._order) // self._size)
        chosen = self._order[batch * self._size : (batch + 1) * self._size]
        self._trainer.model.train()
        with drawing_from(self._seed, "dropout", step, device=self._trainer.device):
            for inputs in self._train(chosen):
                self._trainer.step(inputs)

    @torch.no_grad()
    def validate(self) -> None:
        """Compute the model's output for the first batch of the validation split."""
        self._trainer.model.eval()
        first = np.arange(min(self._size, len(self._valid.split)))
        with layers_in(self._trainer.config.trainer.precision, self._trainer.device):
            for inputs in self._valid(first):
                self._trainer.model(inputs)


PROBED_STEPS = 2
"""Adam has its means after the first step; the second step holds them and its activations at once."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """The memory that training needs.

    Attributes:
        device: memory of the device. If it has too little, the peak is all it has.
        host: private memory of the process, in bytes.
    """

    device: DeviceUse
    host: int


def measure_memory(config: RunConfig, data: TrainingData, *, seeds: Sequence[int], device: str) -> MemoryUse:
    """Measure the memory of two training steps with each of the seeds, and of the validation of a batch.

    The seeds train side by side, as a block of a sweep does. Earlier computations of the process count, so it should be
    a fresh one.

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
