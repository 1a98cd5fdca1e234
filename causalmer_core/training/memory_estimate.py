"""An estimate of training memory, counted instead of measured, to compare configurations.

    bytes = 16 P + 4 F + (B / 2) A

P is the number of trained parameters (weight, gradient and Adam's two means, 4 bytes each), F the number of frozen
parameters and buffers, B the batch size, and A the bytes of all tensors that torch keeps for the backward pass of a
batch of two samples. Rounding by the allocator, workspaces and the device's context are not included.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from causalmer_core.basics.seeding import drawing_from
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.batches import batches_for
from causalmer_core.models.build import AnyModel, build_model
from causalmer_core.training.compute import layers_in

_SAMPLES = 2
"""Batch normalisation cannot train on one sample."""

_TRAINED_BYTES = 16
_FIXED_BYTES = 4


def estimated_bytes(config: RunConfig, data: TrainingData) -> int:
    """The estimated bytes to train one seed of the configuration, without the data set; computed on the CPU.

    Raises:
        UserError: the configuration does not fit the data.
    """
    with drawing_from(0, "init"):
        model = build_model(config.model, data)
    trained = {id(p): p.numel() for group in model.parameter_groups().values() for p in group}
    numbers = sum(tensor.numel() for tensor in (*model.parameters(), *model.buffers()))
    weights = _TRAINED_BYTES * sum(trained.values()) + _FIXED_BYTES * (numbers - sum(trained.values()))
    return weights + config.trainer.batch_size * _kept_bytes(model, config, data) // _SAMPLES


def _kept_bytes(model: AnyModel, config: RunConfig, data: TrainingData) -> int:
    """The bytes kept for the backward pass of a small batch: each storage once, without parameters."""
    cpu = torch.device("cpu")
    batches = batches_for(config.data, data, data.train, size=_SAMPLES, device=cpu)
    batch = next(batches(np.arange(min(_SAMPLES, len(data.train)))))
    parameters = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, Tensor] = {}  # keeps the tensors alive: torch would reuse the address of a freed one

    def keep(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in parameters:
            kept[tensor.untyped_storage().data_ptr()] = tensor.detach()
        return tensor.detach()  # a tensor with its graph would keep that graph alive

    def give(tensor: Any) -> Any:
        return tensor

    model.train()
    with drawing_from(0, "dropout"), torch.autograd.graph.saved_tensors_hooks(keep, give):
        with layers_in(config.trainer.precision, cpu):
            output = model(batch)
        terms = model.loss(output, batch.labels, config.loss)
    del terms
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
