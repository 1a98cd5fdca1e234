"""The method `searched`: constants and weights for the best metric, guarded against lucky vectors.

Thousands of candidates are compared on a few hundred samples, so much of the best one's lead is luck. Three rules guard
against that:

- Candidates do not depend on any score. Optuna's quasi-random sampler (scrambled Sobol) spreads them evenly around the
  paper's vector. So no fold leaks into the candidates of another, and all runs share them.
- The one-standard-error rule takes the candidate nearest to the paper's vector whose mean over folds is within one
  standard error of the best mean (Breiman et al., "Classification and Regression Trees", 1984, section 3.4.3). The
  error is that of the difference to the best one, over folds. All candidates are scored on the same samples, so the
  difficulty of a fold cancels in the difference.
- The gain is estimated by holding each fold out of this whole choice. If the mean of these gains is at most one
  standard error above 0, the paper's vector is kept.

A candidate is u = r q with q in [-1, 1]^6 and a reach r in [0, 1], so there are candidates at every distance. Its
constants are the trained ones + 2 u_c, in units of logits, and its weights are 1 + u_w, from 0 to 2. u = 0 is the
paper's vector, and |u| is the distance from it.
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
"""The largest change of a constant from its trained value, in units of logits."""
WEIGHT_REACH = 1.0
"""The largest change of a weight from 1."""
_CUBE: dict[str, BaseDistribution] = {
    name: FloatDistribution(-1.0, 1.0)
    for name in ("c_text", "c_audio", "c_vision", "w_text", "w_audio", "w_vision")
}
_SPACE = {**_CUBE, "reach": FloatDistribution(0.0, 1.0)}


@dataclass(frozen=True, slots=True)
class VectorSearch:
    """The result of a search.

    Attributes:
        vector: the chosen vector.
        fold_gains: for each fold, the gain over the paper's vector of the choice on the other folds; positive is
            better. They estimate the rule's choice, even if the paper's vector was kept in the end.
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
    """Choose a vector by the rule in this module's docstring.

    Args:
        cached: logits and labels of the validation split.
        constants: the trained constants of text, audio and vision, in units of logits.
        folds: the samples of each fold, at least three folds (see `sweeps.debiasing.folds.sample_folds`).
        metric: a metric of the task; candidates are compared by its mean over folds.
        direction: its direction.
        trials: the number of candidates besides the paper's vector.
        seed: the seed of the stream `debiasing/candidates`.

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
    """Offsets u of the candidates from the paper's vector, in units of their reach.

    Args:
        trials: the number of candidates besides the paper's vector.
        seed: the seed of the stream `debiasing/candidates`.

    Returns:
        `(1 + trials, 6)`, read-only; the first row is 0, the paper's vector.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = QMCSampler(
            qmc_type="sobol", scramble=True, seed=derive(seed, "debiasing", "candidates") % 2**32
        )
    study = optuna.create_study(sampler=sampler, direction="maximize")
    # The paper's own vector, whose gain over itself is 0, gives the sampler the space. The study gets no other value:
    # a quasi-random sequence does not depend on values.
    study.add_trial(create_trial(params=dict.fromkeys(_SPACE, 0.0), distributions=_SPACE, value=0.0))
    asked = [study.ask(_SPACE).params for _ in range(trials)]
    offsets = np.array([[0.0] * 6, *([p["reach"] * p[name] for name in _CUBE] for p in asked)])
    offsets.flags.writeable = False
    return offsets


def one_standard_error(found: NDArray[np.float64], offsets: Vectors) -> int:
    """The index of the candidate that the one-standard-error rule takes.

    Args:
        found: `(K, folds)`, scores of K candidates; higher is better.
        offsets: `(K, 6)`, their offsets from the paper's vector. Of equally near candidates the better one is taken,
            then the first.
    """
    means = found.mean(axis=1)
    best = int(means.argmax())
    behind = found[best] - found
    close = ~_beyond_error(behind)
    nearest = np.lexsort((-means, np.linalg.norm(offsets, axis=1)))
    return int(next(index for index in nearest if close[index]))


def nested_gains(found: NDArray[np.float64], offsets: Vectors) -> tuple[float, ...]:
    """The gain on each fold of the candidate chosen on the other folds, over the first candidate, the paper's.

    Args:
        found: `(K, folds)`, scores of K candidates; higher is better.
        offsets: `(K, 6)`, their offsets from the paper's vector; the first is 0.

    Returns:
        One gain a fold.
    """
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

    Args:
        values: `(..., folds)`.
    """
    # If one fold alone differs from 0, mean and error are equal but for rounding. The margin keeps that at False.
    error = values.std(axis=-1, ddof=1) / math.sqrt(values.shape[-1])
    beyond: NDArray[np.bool_] = values.mean(axis=-1) > error + 1e-12
    return beyond
