"""What a missing modality costs, and what each modality contributes: from the scores of every subset that is present.

v(S) is a metric of the predictions with the modalities S present and the others removed (`causalmer_core.measures.ablation`). It
may be an array: axes such as seeds or classes are carried along. Everything here is in the direction of the metric:
a positive gap is a loss, and a positive contribution a gain, whether more of the metric is better or less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from causalmer_core.basics.modality import MODALITIES, Modality, subset_name, subsets
from causalmer_core.measures.metrics import Direction, oriented

Subset = frozenset[Modality]
Scores = Mapping[Subset, ArrayLike]
"""By the modalities present, v(S); all eight subsets, each of the same shape."""
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DropGaps:
    """What is lost when modalities are missing.

    Attributes:
        gaps: by the modalities present, all but the whole set: how much worse than with all modalities.
        mean: over the six subsets with one or two modalities missing.
        std: over the same six, division by six, for they are all there are: the paper's figure of robustness, by our
            reading. 0 means that it makes no difference which are missing.
    """

    gaps: dict[Subset, Values]
    mean: Values
    std: Values


def drop_gaps(scores: Scores, direction: Direction = "max") -> DropGaps:
    """`gap(S) = v(all) - v(S)` for every S, negated where less is better; mean and spread over one or two missing.

    Raises:
        ValueError: a subset is missing.
    """
    values = _oriented(scores, direction)
    whole = values[frozenset(MODALITIES)]
    gaps = {present: whole - values[present] for present in subsets() if len(present) < len(MODALITIES)}
    proper = np.stack([gap for present, gap in gaps.items() if present])
    return DropGaps(gaps, proper.mean(axis=0), proper.std(axis=0))


def shapley(scores: Scores, direction: Direction = "max") -> dict[Modality, Values]:
    """What each modality contributes: the exact Shapley value of the game v (Shapley 1953), negated where less is
    better.

        phi_m = sum over S without m of |S|! (M - |S| - 1)! / M! (v(S + m) - v(S)),    M = 3 modalities

    is the mean, over all orders in which modalities can come in, of what m adds when it comes. It is the only share
    that sums to v(all) - v(none), is equal for modalities that add the same to every S, is 0 for one that adds nothing,
    and is linear in v. It is our measure: the paper tells of contributions without saying in detail how they are
    computed.

    Raises:
        ValueError: a subset is missing.
    """
    values = _oriented(scores, direction)
    players = len(MODALITIES)
    contributions = {}
    for modality in MODALITIES:
        shares = [
            factorial(len(present))
            * factorial(players - len(present) - 1)
            / factorial(players)
            * (values[present | {modality}] - values[present])
            for present in subsets()
            if modality not in present
        ]
        contributions[modality] = np.sum(shares, axis=0)
    return contributions


def _oriented(scores: Scores, direction: Direction) -> dict[Subset, Values]:
    missing = [subset_name(present) for present in subsets() if present not in scores]
    if missing:
        raise ValueError(f"the scores of all eight subsets are needed; missing: {', '.join(missing)}")
    return {present: oriented(np.asarray(scores[present], np.float64), direction) for present in subsets()}
