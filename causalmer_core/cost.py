"""What training a configuration costs, measured on a few steps."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from statistics import median

import torch

from causalmer_core.config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import batches_for, epoch_order
from causalmer_core.datasets.folds import folded
from causalmer_core.seeding import drawing_from
from causalmer_core.trainer import Trainer

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
    trainer = Trainer(config, data, seed=0, device=torch.device("cpu"))
    size = config.trainer.batch_size
    data = folded(data, config.data.split, 0)
    batches = batches_for(config.data, data, data.train, size=size, device=torch.device("cpu"))
    order = epoch_order(len(data.train), 0, 1)[: size * (MEASURED_STEPS + 1)]
    seconds = []
    trainer.model.train()
    with drawing_from(0, "dropout", 1):
        for batch in batches(order):
            started = time.perf_counter()
            trainer.step(batch)
            seconds.append(time.perf_counter() - started)
    step = median(seconds[1:] or seconds)
    steps = math.ceil(len(data.train) / size) + math.ceil(len(data.valid) / size) / 3
    return Cost(trainer.num_parameters, step, steps * step)
