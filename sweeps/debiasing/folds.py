"""Folds inside the validation split, and what a choice made after training honestly gains.

A score of a choice on the samples that chose it overstates it. So each fold is held out once: the method chooses on the
other folds, and its choice is scored on the fold held out, against the paper's vector on the same fold. The choices
share most of their samples, so that an interval over folds is a little too narrow (Bengio and Grandvalet, JMLR 2004).
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
"""Choosing on the others must leave two folds, to tell how much their scores spread."""

Samples = NDArray[np.int64]


def sample_folds(ids: Sequence[str], folds: int, seed: int) -> list[Samples]:
    """Disjoint folds of about equal size that together hold every sample.

    Samples of one video are alike, so they stay together: where all ids look like `video/...`, the text before the
    first `/` names the group. Otherwise, or with fewer than three videos, every sample is a group of its own. Groups
    are shuffled by the stream `debiasing/folds` and dealt, the largest first, to the fold with the fewest samples.

    Args:
        ids: one identifier a sample.
        folds: how many folds, at least 3; fewer where there are fewer groups.
        seed: of the stream.

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
    """For each fold, how much better than the paper's vector is the one that `choose` takes on the other folds."""
    gains = []
    for held_out in range(len(folds)):
        others = np.concatenate([fold for number, fold in enumerate(folds) if number != held_out])
        chosen = choose(cached.subset(np.sort(others)))
        pair = np.stack([chosen.as_row(), paper.as_row()])
        found, reference = scores(cached.subset(folds[held_out]), pair, metric)
        gains.append(float(oriented(found - reference, direction)))
    return tuple(gains)
