"""Fixtures of numbers that the published methods compute, and the weights that belong to them.

They lie in the folder that the environment variable PARITY_DIR names, by default in `shared/parity` beside the
repository. Tolerances: rtol 2e-4, atol 2e-5 for outputs and losses; rtol 2e-3, atol 1e-4 for gradients and for
trajectories.
"""

from __future__ import annotations

import ast
import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from causalmer_core.backbones.base import InputShape
from causalmer_core.basics.modality import MODALITIES
from causalmer_core.basics.task import Task

FOLDER = Path(os.environ.get("PARITY_DIR") or Path(__file__).parents[3] / "shared" / "parity")
OUTPUTS = {"rtol": 2e-4, "atol": 2e-5}
GRADIENTS = {"rtol": 2e-3, "atol": 1e-4}


def fixture(name: str) -> dict[str, Any]:
    """The arrays of a fixture; without it the test is skipped."""
    path = FOLDER / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"no parity fixture {path.name}: PARITY_DIR names no folder that has it")
    with np.load(path, allow_pickle=False) as arrays:
        return {key: arrays[key] for key in arrays.files}


def tensors(arrays: dict[str, Any], *names: str) -> list[Tensor]:
    """Some of a fixture's arrays, copied into tensors."""
    return [torch.from_numpy(np.array(arrays[name])) for name in names]


def parameters_by_rule(shapes: Iterable[tuple[str, Sequence[int]]]) -> dict[str, Tensor]:
    """Weights of these names and shapes, by the rule of the fixtures' README."""
    parameters = {}
    for name, shape in shapes:
        values = 0.05 * np.random.default_rng(zlib.crc32(name.encode())).standard_normal(tuple(shape))
        if np.ndim(values) == 1 and name.endswith("weight"):
            values = values + 1.0
        parameters[name] = torch.from_numpy(np.asarray(values, np.float32))
    return parameters


def published_parameters(arrays: dict[str, Any]) -> dict[str, Tensor]:
    """The weights of a fixture, by the names and shapes that it lists."""
    shapes = (ast.literal_eval(shape) for shape in arrays["param_shapes"].tolist())
    return parameters_by_rule(zip(arrays["param_names"].tolist(), shapes, strict=True))


def shape_of(features: Sequence[Tensor], task: Task) -> InputShape:
    """What a backbone for text, audio and vision features `(batch, time, width)` is built for."""
    return InputShape(
        widths={m: x.shape[2] for m, x in zip(MODALITIES, features, strict=True)},
        lengths={m: x.shape[1] for m, x in zip(MODALITIES, features, strict=True)},
        task=task,
    )
