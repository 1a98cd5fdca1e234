"""Named random streams.

Every use of randomness has a name and its own stream, derived from the run's seed:

    key = SHA-256("causalmer" / seed / name / part / ...)

so that the order of the data, the initial weights and the dropout masks of one seed never share numbers, adding
a stream never shifts another, and seed 0 is a seed like any other. Streams that are used once an epoch take the
epoch as a part of their name: a run resumed after epoch k draws exactly what an uninterrupted one draws, with no
generator state to save.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derive(seed: int, name: str, *parts: int | str) -> int:
    """A 63-bit integer that depends on the seed, the stream's name and its parts, and on nothing else."""
    text = "/".join(["causalmer", str(int(seed)), name, *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def numpy_stream(seed: int, name: str, *parts: int | str) -> np.random.Generator:
    """The named stream as a NumPy generator."""
    return np.random.default_rng(derive(seed, name, *parts))


@contextmanager
def drawing_from(
    seed: int, name: str, *parts: int | str, device: torch.device | None = None
) -> Iterator[None]:
    """Within the block torch's default generators draw from the named stream; after it they are as they were.

    These are the CPU's generator and, for a GPU, that of `device`; no other is touched.

    Layers of torch and of transformers draw dropout masks and initial weights from the default generators and
    offer no other way in; this keeps them on a stream of ours without leaving a trace in the global state.
    """
    key = derive(seed, name, *parts)
    gpu = device if device is not None and device.type == "cuda" else None
    with torch.random.fork_rng(devices=[gpu] if gpu else []):
        torch.default_generator.manual_seed(key)
        if gpu:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(key)
        yield
