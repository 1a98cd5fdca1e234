"""`searched`: constants and weights for the best value of a metric, so that a lucky vector does not win.

Thousands of candidates are compared on a few hundred samples, and the best of them is best by luck to a large part.
Three things stand against that:

- Candidates are proposed without a look at any score: by Optuna's quasi-random sampler (scrambled Sobol), evenly around
  the paper's vector. So no fold leaks into the candidates of another, and all runs share them.
- The one-standard-error rule (Breiman et al., "Classification and Regression Trees", 1984, section 3.4.3): of all
  candidates whose mean over folds is within one standard error of the best one's, the nearest to the paper's vector is
  taken. The error is that of their difference, over folds: all are scored on the same samples, and that some folds are
  harder than others says nothing about which candidate is better.
- Its gain is estimated by holding each fold out of that whole choice. Where the mean of these gains is not more than
  one standard error of theirs above 0, the paper's vector stays.

A candidate is u = r q with q in [-1, 1]^6 and a reach r in [0, 1], so that there are candidates at every distance; its
constants are the trained ones + 2 u_c, in units of logits, and its weights 1 + u_w, from 0 to 2. u = 0 is the paper's
vector, and |u| the distance from it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import QMCSampler
from optuna.trial import create_trial

from causalmer_core.basics.seeding import derive
from causalmer_core.debiasing.cached_logits import CachedLogits, subset_scores
from causalmer_core.debiasing.vector import DebiasingVector, Triple, Vectors, fixed
from causalmer_core.measures.metrics import Direction, oriented
from sweeps.debiasing.folds import Samples

CONSTANT_REACH = 2.0
"""How far a constant goes from its trained value, in units of logits."""
WEIGHT_REACH = 1.0
"""How far a weight goes from 1."""
_CUBE: dict[str, BaseDistribution] = {
    name: FloatDistribution(-1.0, 1.0)
    for name in ("c_text", "c_audio", "c_vision", "w_text", "w_audio", "w_vision")
}
_SPACE = {**_CUBE, "reach": FloatDistribution(0.0, 1.0)}


@dataclass(frozen=True, slots=True)
class VectorSearch:
    """What a search found.

    Attributes:
        vector: the chosen one.
        fold_gains: of the choice with each fold held out, over the paper's vector, positive where it is better. They
            estimate the rule's choice, also where in the end the paper's vector was kept.
        kept_paper: whether the paper's vector was kept.
    """

    vector: DebiasingVector
    fold_gains: tuple[float, ...]
    kept_paper: bool


def search_vector(
    cached: CachedLogits,
    constants: Triple,
    folds: Sequence[Samples],
    *,
    metric: str,
    direction: Direction,
    trials: int = 2000,
    seed: int = 0,
) -> VectorSearch:
    """The vector that the rule in this module's head takes.

    Args:
        cached: logits and labels of the validation split.
        constants: as trained, of text, audio and vision.
        folds: of the samples, at least three (see `debiasing_folds.sample_folds`).
        metric: what is compared, of the task; its mean over folds counts.
        direction: of the metric.
        trials: candidates besides the paper's vector.
        seed: of the stream `debiasing/candidates`.

    Raises:
        UserError: the task has no such metric.
        ValueError: there are fewer than three folds.
    """
    if len(folds) < 3:
        raise ValueError(f"a nested choice needs at least three folds, given {len(folds)}")
    offsets = candidates(trials, seed)
    found = oriented(subset_scores(cached, _vectors(offsets, constants), metric, folds), direction)
    gains = nested_gains(found, offsets)
    kept = not _beyond_error(np.array(gains))
    chosen = 0 if kept else one_standard_error(found, offsets)
    row = _vectors(offsets[[chosen]], constants)[0]
    return VectorSearch(fixed(row[:3], row[3:]), gains, kept or chosen == 0)


@lru_cache(maxsize=4)
def candidates(trials: int, seed: int) -> Vectors:
    """`(1 + trials, 6)`: offsets u from the paper's vector, in units of their reach; the first is 0, the paper's."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = QMCSampler(
            qmc_type="sobol", scramble=True, seed=derive(seed, "debiasing", "candidates") % 2**32
        )
    study = optuna.create_study(sampler=sampler, direction="maximize")
    # The paper's own vector, whose gain over itself is 0, tells the sampler the space. No other gain is told: a
    # quasi-random sequence would not learn from it.
    study.add_trial(create_trial(params=dict.fromkeys(_SPACE, 0.0), distributions=_SPACE, value=0.0))
    asked = [study.ask(_SPACE).params for _ in range(trials)]
    offsets = np.array([[0.0] * 6, *([p["reach"] * p[name] for name in _CUBE] for p in asked)])
    offsets.flags.writeable = False
    return offsets


def one_standard_error(found: NDArray[np.float64], offsets: Vectors) -> int:
    """The candidate that the one-standard-error rule takes.

    Args:
        found: `(K, folds)`, higher is better.
        offsets: `(K, 6)`, distances from the paper's vector; of equally near ones the better, then the first is taken.
    """
    means = found.mean(axis=1)
    best = int(means.argmax())
    behind = found[best] - found
    close = ~_beyond_error(behind)
    nearest = np.lexsort((-means, np.linalg.norm(offsets, axis=1)))
    return int(next(index for index in nearest if close[index]))


def nested_gains(found: NDArray[np.float64], offsets: Vectors) -> tuple[float, ...]:
    """For each fold, what the candidate chosen on the other folds gains on it over the first one, the paper's."""
    gains = []
    for held_out in range(found.shape[1]):
        chosen = one_standard_error(np.delete(found, held_out, axis=1), offsets)
        gains.append(float(found[chosen, held_out] - found[0, held_out]))
    return tuple(gains)


def _vectors(offsets: Vectors, constants: Triple) -> Vectors:
    shifted = np.array(constants) + CONSTANT_REACH * offsets[:, :3]
    return np.concatenate([shifted, 1.0 + WEIGHT_REACH * offsets[:, 3:]], axis=1)


def _beyond_error(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the mean over the last axis, folds, is more than its standard error above 0.

    Where one fold alone differs from 0, mean and error are equal but for rounding: that is not beyond.
    """
    error = values.std(axis=-1, ddof=1) / math.sqrt(values.shape[-1])
    beyond: NDArray[np.bool_] = values.mean(axis=-1) > error + 1e-12
    return beyond
