"""The optimism of the best mean: how much it overstates, estimated from the same scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from causalmer_core.measures.metrics import Direction, oriented

Floats = NDArray[np.float64]

RESAMPLES = 2_000
"""The default number of resamples."""


@dataclass(frozen=True, slots=True)
class Optimism:
    """The mean score of the best configuration, raw and corrected for the choice.

    Attributes:
        raw: its mean over all seeds, in points of the metric.
        optimism: how much better `raw` is than the corrected mean, in points of the metric. Positive: `raw` is too
            good.
        corrected: the mean without the optimism.
        method: how it was estimated, in words.
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
    """The optimism of choosing the configuration with the best mean over seeds, estimated by resampling seeds.

    Each of B resamples draws n of the n seeds with replacement and chooses the configuration with the best mean over
    them. It scores this configuration on the seeds that were not drawn, which had no part in the choice. With i_b the
    configuration chosen and O_b the seeds not drawn in resample b

        optimism = max_i mean_s(x_is) - mean_b mean_{s in O_b}(x_{i_b, s})

    This is BBC-CV (Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the out-of-sample predictions for efficient
    and accurate cross-validation", Machine Learning 2018) with seeds in the place of samples.

    A resample has fewer distinct seeds than the data, so it chooses worse. The estimate is therefore somewhat too large
    where configurations differ (figures in docs/statistics.md). Leaving out one seed at a time is less biased, but
    varies up to three times as much. Choices made before these scores, such as which configurations were confirmed,
    are not corrected for. Fresh seeds measure the optimism directly: use them where there are any.

    Args:
        scores: shape (configurations, seeds), finite, every configuration on the same seeds. Of equal means the first
            is chosen, so the order of the rows must not depend on the scores.
        rng: draws the seeds.
        direction: whether a higher (`max`) or a lower (`min`) score is better.
        earlier: the number of first seeds that chose which configurations are here. These seeds count in every choice.
            They are never used as held-out seeds, because their scores are already too good.
        resamples: B.

    Returns:
        The estimate. None if no seed can be held out: fewer than two seeds beside the earlier ones, or one
        configuration.

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
    drawn = drawn[(drawn == 0).any(axis=1)]  # a resample with every seed has none to score on
    sums = turned[:, :earlier].sum(axis=1) + drawn @ turned[:, earlier:].T
    chosen = turned[sums.argmax(axis=1), earlier:]
    left_out = drawn == 0
    unseen = float(((chosen * left_out).sum(axis=1) / left_out.sum(axis=1)).mean())
    raw = float(turned.mean(axis=1).max())
    method = f"estimated by repeating the choice among {count} configurations on resamples of {fresh} seeds"
    return Optimism(oriented(raw, direction), raw - unseen, oriented(unseen, direction), method)
