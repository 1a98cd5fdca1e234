"""How many threads a process computes with, so that several on one machine do not fight for its cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from threadpoolctl import ThreadpoolController

_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def claim_threads(count: int) -> None:
    """Let this process, which does nothing else, compute with so many threads; to be called before it computes.

    torch, OpenMP, MKL and OpenBLAS are told as they are loaded; the environment is for what is loaded later and for
    processes that are started. Operations of a model run one after another, so that one thread between them is enough:
    torch takes that number only once in a process.
    """
    os.environ.update(dict.fromkeys(_VARIABLES, str(count)))
    ThreadpoolController().limit(limits=count)
    torch.set_num_threads(count)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)


# FOLDED The numeric precision of a model's layers. Weights, effects and losses are float32 in either.
Precision = Literal["float32", "bf16"]


@contextmanager
def layers_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within the block layers compute in `precision`: `bf16` is torch's autocast to bfloat16."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        yield
