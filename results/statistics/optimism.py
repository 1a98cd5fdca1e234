"""How much better the best of several configurations looks than it is, estimated from the scores that chose it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalmer_core.measures.metrics import Direction, oriented

Floats = NDArray[np.float64]

RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Optimism:
    """The score of the best configuration as it looks, and corrected for having been chosen.

    Attributes:
        raw: its mean over all seeds.
        optimism: by how much that is too good, in points of the metric; positive: overstated.
        corrected: raw without it.
        method: in words.
    """

    raw: float
    optimism: float
    corrected: float
    method: str


def resampled_optimism(
    scores: Floats,
    rng: np.random.Generator,
    *,
    direction: Direction,
    earlier: int = 0,
    resamples: int = RESAMPLES,
) -> Optimism | None:
    """The optimism of taking the configuration with the best mean over seeds, by resampling seeds around the choice.

    Each of B resamples draws n of the n seeds with replacement, takes the configuration with the best mean over them,
    and scores it on the seeds that were not drawn, which had no part in that choice. With i_b the configuration taken
    and O_b the seeds not drawn in resample b

        optimism = max_i mean_s(x_is) - mean_b mean_{s in O_b}(x_{i_b, s})

    This is BBC-CV (Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the out-of-sample predictions for efficient
    and accurate cross-validation", Machine Learning 2018) with seeds in the place of samples. A resample has fewer
    different seeds than there are and chooses worse for it, so the estimate is somewhat too large where
    configurations do differ (docs/statistics.md has figures); holding out one seed after the other is less biased and
    varies up to three times as much. It says nothing of choices made before these scores, such as who was let into the
    confirmation. Fresh seeds measure what this estimates: where there are any, use them.

    Args:
        scores: `(configurations, seeds)`, finite, every configuration on the same seeds. Equally good ones: the first,
            so their order must not follow from the scores.
        rng: draws the seeds.
        direction: whether more (`max`) or less (`min`) of a score is better.
        earlier: so many of the first seeds chose which configurations are here: they count in every choice and judge
            none, since their scores are too good already.
        resamples: B.

    Returns:
        None where nothing can be held out: fewer than two seeds beside the earlier ones, or a single configuration.

    Raises:
        ValueError: the scores have another shape, or one is not finite.
    """
    if scores.ndim != 2 or not np.isfinite(scores).all():
        raise ValueError("optimism needs finite scores of shape (configurations, seeds)")
    count, fresh = scores.shape[0], scores.shape[1] - earlier
    if count < 2 or fresh < 2:
        return None
    turned = oriented(scores, direction)
    drawn = rng.multinomial(fresh, np.full(fresh, 1.0 / fresh), size=resamples)
    drawn = drawn[(drawn == 0).any(axis=1)]
    sums = turned[:, :earlier].sum(axis=1) + drawn @ turned[:, earlier:].T
    judged = turned[sums.argmax(axis=1), earlier:]
    left_out = drawn == 0
    unseen = float(((judged * left_out).sum(axis=1) / left_out.sum(axis=1)).mean())
    raw = float(turned.mean(axis=1).max())
    method = f"estimated by resampling {fresh} seeds around the choice among {count} configurations"
    return Optimism(oriented(raw, direction), raw - unseen, oriented(unseen, direction), method)
