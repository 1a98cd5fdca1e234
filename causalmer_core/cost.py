"""What training a configuration costs, measured on a few steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import torch

from causalmer_core.config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.probed_steps import ProbedSteps

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
