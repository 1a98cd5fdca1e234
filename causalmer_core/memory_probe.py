"""What training a configuration takes of memory, measured on two steps in a process of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from causalmer_core.config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.device_memory import DeviceUse, device_use, forget_use, private_bytes
from causalmer_core.errors import UserError
from causalmer_core.faults import is_out_of_memory
from causalmer_core.probed_steps import ProbedSteps

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
