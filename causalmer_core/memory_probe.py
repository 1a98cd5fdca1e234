"""What training a configuration takes of memory, measured on two steps in a process of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from causalmer_core.config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import Batches, batches_for
from causalmer_core.datasets.folds import folded
from causalmer_core.device_memory import DeviceUse, device_use, forget_use, private_bytes
from causalmer_core.errors import UserError
from causalmer_core.faults import is_out_of_memory
from causalmer_core.precision import layers_in
from causalmer_core.seeding import drawing_from
from causalmer_core.trainer import Trainer

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
        trainers = [_Steps(config, data, seed, there) for seed in seeds]
        for step in range(PROBED_STEPS):
            for trainer in trainers:
                trainer.take(step)
        for trainer in trainers:
            trainer.validate()
        use = device_use(there)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        found = device_use(there)
        use = DeviceUse(found.total - found.context, found.context, found.total)
    return MemoryUse(use, private_bytes())


class _Steps:
    """Training of one seed, a step at a time, on the first batches of the training split."""

    def __init__(self, config: RunConfig, data: TrainingData, seed: int, device: torch.device) -> None:
        self._trainer = Trainer(config, data, seed=seed, device=device)
        self._seed = seed
        self._size = config.trainer.batch_size
        data = folded(data, config.data.split, seed)
        self._train = batches_for(config.data, data, data.train, size=self._size, device=device)
        self._valid = batches_for(config.data, data, data.valid, size=self._size, device=device)

    def take(self, step: int) -> None:
        """A step of training on the first batch."""
        self._trainer.model.train()
        with drawing_from(self._seed, "dropout", step, device=self._trainer.device):
            for batch in self._train(self._first(self._train)):
                self._trainer.step(batch)

    @torch.no_grad()
    def validate(self) -> None:
        """A batch of the validation split through the model."""
        self._trainer.model.eval()
        for batch in self._valid(self._first(self._valid)):
            with layers_in(self._trainer.config.trainer.precision, self._trainer.device):
                self._trainer.model(batch)

    def _first(self, batches: Batches) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.arange(min(self._size, len(batches.split)))
