"""Drop gaps and Shapley values of modalities, from the scores of every subset of them.

v(S) is a metric of the predictions with the modalities S present and the others ablated
(`causalmer_core.measures.ablation`). It may be an array, with axes such as seeds or classes. Signs follow the direction
of the metric: a positive gap is a loss and a positive contribution a gain, whether more or less of the metric is
better.
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
"""By the present modalities, v(S), for all eight subsets and of one shape."""
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DropGaps:
    """The losses by missing modalities.

    Attributes:
        gaps: by the present modalities, for all subsets but the whole set, the loss against all modalities.
        mean: mean gap over the six subsets with one or two modalities missing.
        std: population standard deviation over the same six subsets: the paper's measure of robustness, by our
            reading. 0: it makes no difference which modalities are missing.
    """

    gaps: dict[Subset, Values]
    mean: Values
    std: Values


def drop_gaps(scores: Scores, direction: Direction = "max") -> DropGaps:
    """`gap(S) = v(all) - v(S)` for every S, negated if less is better; mean and spread over one or two missing.

    Raises:
        ValueError: a subset is missing.
    """
    values = _oriented(scores, direction)
    whole = values[frozenset(MODALITIES)]
    gaps = {present: whole - values[present] for present in subsets() if len(present) < len(MODALITIES)}
    proper = np.stack([gap for present, gap in gaps.items() if present])
    return DropGaps(gaps, proper.mean(axis=0), proper.std(axis=0))


def shapley(scores: Scores, direction: Direction = "max") -> dict[Modality, Values]:
    """The contribution of each modality: the exact Shapley value of the game v, negated if less is better.

        phi_m = sum over S without m of |S|! (M - |S| - 1)! / M! (v(S + m) - v(S)),    M = 3 modalities

    It is the mean gain by m over all orders in which modalities can be added. No other share sums to v(all) - v(none),
    is equal for modalities with equal gains for every S, is 0 for a modality without gain, and is linear in v. The
    paper reports contributions without a formula; this is our measure. Source: Shapley 1953.

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
