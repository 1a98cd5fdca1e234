"""The numeric precision of a model's layers. Weights, effects and losses are float32 in either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Precision = Literal["float32", "bf16"]


@contextmanager
def layers_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """Within the block layers compute in `precision`: `bf16` is torch's autocast to bfloat16."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        yield
