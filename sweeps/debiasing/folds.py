"""Folds of the validation split, and unbiased gains of a choice that is made after training.

The score of a chosen vector on the samples that chose it is too high. So each fold is held out once: the method chooses
on the other folds, and the held-out fold scores the choice against the paper's vector. The choices share most of their
samples, so an interval over folds is a little too narrow (Bengio and Grandvalet, JMLR 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.seeding import numpy_stream
from causalmer_core.debiasing.cached_logits import CachedLogits, scores
from causalmer_core.debiasing.vector import DebiasingVector
from causalmer_core.measures.metrics import Direction, oriented

LEAST_FOLDS = 3
"""With one fold held out, two folds must remain to estimate the spread of their scores."""

Samples = NDArray[np.int64]
"""`(n,)`: positions of samples in the split."""


def sample_folds(ids: Sequence[str], folds: int, seed: int) -> list[Samples]:
    """Disjoint folds of about equal size that together hold every sample.

    Samples of one video are alike, so they stay in one fold. If all ids look like `video/...`, the text before the
    first `/` names the group. Otherwise, or with fewer than three videos, every sample is its own group. Groups are
    shuffled by the stream `debiasing/folds`, and dealt, the largest first, to the fold with the fewest samples.

    Args:
        ids: one identifier a sample.
        folds: the number of folds; at least 3, and at most one a group.
        seed: the seed of the stream.

    Returns:
        For each fold the positions of its samples, ascending.

    Raises:
        UserError: there are fewer than three samples.
    """
    if len(ids) < LEAST_FOLDS:
        raise UserError(
            f"debiasing after training compares on at least {LEAST_FOLDS} folds of the validation split, which has "
            f"{len(ids)} samples; switch it off with 'debiasing: {{methods: []}}'"
        )
    groups = _groups(ids)
    order = numpy_stream(seed, "debiasing", "folds").permutation(len(groups))
    shuffled = sorted((groups[i] for i in order), key=len, reverse=True)
    dealt: list[list[int]] = [[] for _ in range(min(max(folds, LEAST_FOLDS), len(groups)))]
    for group in shuffled:
        min(dealt, key=len).extend(group)
    return [np.array(sorted(fold), np.int64) for fold in dealt]


def _groups(ids: Sequence[str]) -> list[list[int]]:
    videos: dict[str, list[int]] = {}
    for sample, name in enumerate(ids):
        video, slash, _ = name.partition("/")
        if not slash:
            break
        videos.setdefault(video, []).append(sample)
    else:
        if len(videos) >= LEAST_FOLDS:
            return list(videos.values())
    return [[sample] for sample in range(len(ids))]


def fold_gains(
    cached: CachedLogits,
    folds: Sequence[Samples],
    choose: Callable[[CachedLogits], DebiasingVector],
    paper: DebiasingVector,
    *,
    metric: str,
    direction: Direction,
) -> tuple[float, ...]:
    """The gain over the paper's vector on each fold, of the vector that `choose` takes on the other folds.

    Args:
        cached: logits and labels of the validation split.
        folds: the samples of each fold.
        choose: chooses a vector on some samples.
        paper: the paper's vector.
        metric: the metric of the gains.
        direction: its direction.

    Returns:
        One gain a fold, positive if the chosen vector is better.

    Raises:
        UserError: the task has no such metric.
    """
    gains = []
    for held_out in range(len(folds)):
        others = np.concatenate([fold for number, fold in enumerate(folds) if number != held_out])
        chosen = choose(cached.subset(np.sort(others)))
        pair = np.stack([chosen.as_row(), paper.as_row()])
        found, reference = scores(cached.subset(folds[held_out]), pair, metric)
        gains.append(float(oriented(found - reference, direction)))
    return tuple(gains)
