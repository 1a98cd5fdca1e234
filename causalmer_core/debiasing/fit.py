"""Weights of the natural direct effects, fitted to the task loss after training (`learned`).

For fixed constants c, TIE_w = TE - D w is affine in w; the three columns of D are the NDEs. The task loss,
cross-entropy or L1, is convex in the logits, and a convex function of an affine one is convex. So

    min_w  L(TE - D w, y) + (ridge / 2) |w - 1|^2      over the box [0, w_max]^3, or over w >= 0 with sum w = 3

has one minimum, which a local solver finds. The ridge makes the minimum unique if an NDE is degenerate: in `mask` with
constants 0 all NDEs are 0, and the weights stay at the paper's 1. Otherwise it is too small to matter. On the simplex
the weights only redistribute the paper's total over the modalities.

For a regression the solver needs gradients, so |r| is smoothed as sqrt(r^2 + s^2) - s, with s falling from 1 to 1e-3.
The smoothed loss is within s of L1, hence so is the L1 of its minimum. The solver is SLSQP for both constraints;
L-BFGS-B stalls at the sharp bends of the smoothed L1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.debiasing.cached_logits import CachedLogits
from causalmer_core.debiasing.vector import PAPER_WEIGHTS, DebiasingVector, Triple, fixed
from causalmer_core.method.effects import effects

Constraint = Literal["box", "simplex"]
SMOOTHING = (1.0, 0.1, 0.01, 0.001)
"""Widths s of the smoothed L1. Each fit starts from the one before; the last width bounds the final error."""
TOLERANCE = 1e-3
"""The most that a step along the gradient may change a weight at the minimum."""

Weights = NDArray[np.float64]


def learned(
    cached: CachedLogits,
    constants: Triple,
    *,
    constraint: Constraint = "box",
    w_max: float = 2.0,
    ridge: float = 1e-3,
) -> DebiasingVector:
    """The weights with the least task loss, by the convex fit of this module.

    Args:
        cached: logits and labels of the validation split.
        constants: the constants of text, audio and vision, which stay fixed.
        constraint: `box`: each weight in [0, w_max]; `simplex`: weights at least 0 with sum 3.
        w_max: the upper end of the box, at least 1; unused on the simplex.
        ridge: the strength of the pull toward 1, above 0, in units of the loss.

    Raises:
        ValueError: `w_max` is below 1 or `ridge` not above 0.
        RuntimeError: the solver did not reach the minimum, for example if logits are not finite.
    """
    if w_max < 1.0 or ridge <= 0.0:
        raise ValueError(f"w_max is at least 1 and ridge above 0, given {w_max} and {ridge}")
    weights = np.array(PAPER_WEIGHTS)
    smoothings = SMOOTHING if cached.task.kind is TaskKind.REGRESSION else (0.0,)
    for smoothing in smoothings:
        objective = _objective(cached, constants, ridge, smoothing)
        weights = _minimum(objective, weights, constraint, w_max)
    return fixed(constants, tuple(weights.tolist()))


Objective = Callable[[Weights], tuple[float, Weights]]


def _objective(cached: CachedLogits, constants: Triple, ridge: float, smoothing: float) -> Objective:
    """The function to minimise with its gradient, in float64: the solvers compare values near the minimum."""
    found = effects(cached.fuse, cached.branches, torch.tensor(constants))
    nde = torch.stack([found.nde_text, found.nde_audio, found.nde_vision], dim=-1).double()
    te, labels = found.te.double(), torch.from_numpy(np.array(cached.labels))

    def value_and_gradient(weights: Weights) -> tuple[float, Weights]:
        w = torch.tensor(weights, requires_grad=True)
        loss = _loss(cached.task, te - nde @ w, labels, smoothing) + ridge / 2 * (w - 1).square().sum()
        (gradient,) = torch.autograd.grad(loss, w)
        return loss.item(), gradient.numpy()

    return value_and_gradient


def _loss(task: Task, logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    if task.kind is TaskKind.EMOTIONS:
        return F.cross_entropy(logits.reshape(-1, 2), labels.reshape(-1))
    if task.kind is TaskKind.CLASSES:
        return F.cross_entropy(logits, labels)
    residual = logits.squeeze(-1) - labels
    return ((residual.square() + smoothing**2).sqrt() - smoothing).mean()


def _minimum(objective: Objective, start: Weights, constraint: Constraint, w_max: float) -> Weights:
    simplex = constraint == "simplex"
    upper = 3.0 if simplex else w_max
    total = optimize.LinearConstraint(np.ones((1, 3)), 3.0, 3.0)
    answer = optimize.minimize(
        objective,
        start,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, upper)] * 3,
        constraints=[total] if simplex else [],
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    weights = np.clip(np.asarray(answer.x, np.float64), 0.0, upper)
    stepped = weights - objective(weights)[1]
    projected = _on_simplex(stepped) if simplex else np.clip(stepped, 0.0, w_max)
    # The solver's own status is about its line search. At a minimum a projected step stays in place.
    if not np.abs(projected - weights).max() <= TOLERANCE:
        raise RuntimeError(f"the fit of the debiasing weights ended away from its minimum: {answer.message}")
    return weights


def _on_simplex(point: Weights) -> Weights:
    """The nearest point with coordinates at least 0 and sum 3 (Held, Wolfe and Crowder 1974)."""
    descending = np.sort(point)[::-1]
    excess = (np.cumsum(descending) - 3.0) / np.arange(1, 4)
    last = np.flatnonzero(descending > excess)[-1]
    nearest: Weights = np.maximum(point - excess[last], 0.0)
    return nearest
