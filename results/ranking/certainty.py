"""The certainty of a leaderboard: tied configurations, optimism of the best mean, variance of scores."""

from __future__ import annotations

import numpy as np

from results.ranking.leaderboard import Leaderboard
from results.records.manifest import SweepManifest
from results.statistics.intervals import Interval
from results.statistics.optimism import Optimism, resampled_optimism
from results.statistics.tied_set import TiedSet, tied_set
from results.statistics.variance_split import VarianceSplit, variance_split

SEED = 0
"""The seed of the random generators, so that equal records give equal numbers."""
MOST_NAMED = 8
"""The most tied configurations that a sentence names."""


def tied_with_best(board: Leaderboard) -> TiedSet | None:
    """The ranked configurations that are not distinguishable from the best mean (see `results.statistics.tied_set`).

    Eliminated configurations are not compared, because they have too few seeds. They have a chance of being the best
    instead. None if no configuration is ranked.
    """
    if not board.ranked:
        return None
    scores = {entry.config_id: entry.scores for entry in board.ranked}
    rng = np.random.default_rng(SEED)
    return tied_set(scores, direction=board.direction, rng=rng)


def expected_optimism(board: Leaderboard, manifest: SweepManifest) -> Optimism | None:
    """The optimism of the best mean, estimated from the scores of the ranked configurations.

    See `results.statistics.optimism`. Search seeds that selected the confirmed configurations are excluded from the
    estimate. None if the ranked configurations have too few common seeds.
    """
    ranked = sorted(board.ranked, key=lambda entry: entry.config_id)  # not by score: see `resampled_optimism`
    seeds = (
        [seed for seed in ranked[0].scores if all(seed in entry.scores for entry in ranked)] if ranked else []
    )
    earlier = [seed for seed in manifest.counted_search_seeds if seed in seeds and manifest.confirm_seeds]
    order = [*earlier, *(seed for seed in seeds if seed not in earlier)]
    scores = np.array([[entry.scores[seed] for seed in order] for entry in ranked]).reshape(
        len(ranked), len(order)
    )
    return resampled_optimism(
        scores,
        np.random.default_rng(SEED),
        direction=board.direction,
        earlier=len(earlier),
    )


def variance_over_seeds(board: Leaderboard) -> VarianceSplit | None:
    """The variance of the ranked scores, split into hyperparameters and seeds.

    None for fewer than two configurations, or if none has two seeds.
    """
    return variance_split({entry.config_id: entry.scores for entry in board.ranked})


def overstated_by(score: float | None, fresh: Interval | None, board: Leaderboard) -> float | None:
    """How much better a score is than the mean over fresh seeds, in points of the metric; positive: overstated.

    None if one of the two does not exist.
    """
    if score is None or fresh is None:
        return None
    return board.objectives.oriented(score - fresh.mean)


def tied_sentence(tied: TiedSet, board: Leaderboard) -> str:
    """The configurations that are not distinguishable from the best mean, with corrected p-values, and the test."""
    if not tied.p_values:
        return tied.method
    others = [board.entry(config_id) for config_id in tied.tied if config_id != tied.best]
    best = f"the best mean, {board.entry(tied.best).name}"
    if not others:
        return f"all others are distinguishable from {best}; {tied.method}"
    named = [f"{entry.name} (p = {tied.p_values[entry.config_id]:.3g})" for entry in others[:MOST_NAMED]]
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return f"not distinguishable from {best}: {', '.join(named)}{more}; {tied.method}"
