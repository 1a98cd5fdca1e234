"""The threads and the numeric precision of a process's computations."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from threadpoolctl import ThreadpoolController

_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def claim_threads(count: int) -> None:
    """Make this process compute with `count` threads, so that processes on one machine do not compete for its cores.

    A process calls it before its first computation.
    """
    # The environment is for libraries that are loaded later and for child processes.
    os.environ.update(dict.fromkeys(_VARIABLES, str(count)))
    ThreadpoolController().limit(limits=count)
    torch.set_num_threads(count)
    # Operations of a model run one after another, so one thread between them is enough. torch accepts it only once.
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)


Precision = Literal["float32", "bf16"]
"""The numeric precision of a model's layers. Weights, effects and losses are float32 in both."""


@contextmanager
def layers_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within the block layers compute in `precision`: `bf16` is torch's autocast to bfloat16."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        yield
