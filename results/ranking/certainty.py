"""How sure a leaderboard is: who is tied with the best, how far that one is overstated, and what scores vary by."""

from __future__ import annotations

import numpy as np

from results.ranking.leaderboard import Entry, Leaderboard
from results.records.manifest import SweepManifest
from results.statistics.intervals import Interval
from results.statistics.optimism import Optimism, resampled_optimism
from results.statistics.tied_set import TiedSet, tied_set
from results.statistics.variance_split import VarianceSplit, variance_split

SEED = 0
"""Of the generators: equal records give equal numbers."""
MOST_NAMED = 8
"""So many of the tied are named in a sentence."""


def tied_with_best(board: Leaderboard) -> TiedSet | None:
    """Who of the ranked cannot be told from the best mean (see `results.statistics.tied_set`); none without any.

    Who left the confirmation has too few seeds to be compared over them all, and has its chance of being the best
    instead.
    """
    if not board.ranked:
        return None
    scores = {entry.config_id: entry.scores for entry in board.ranked}
    rng = np.random.default_rng(SEED)
    return tied_set(scores, direction=board.direction, rng=rng)


def expected_optimism(board: Leaderboard, manifest: SweepManifest) -> Optimism | None:
    """By how much the best mean is overstated for having been chosen among the ranked, estimated from their own scores
    (see `results.statistics.optimism`); none where they have too few seeds. Search seeds that count in the ranking
    judge nobody where they chose who was confirmed.
    """
    ranked = sorted(board.ranked, key=lambda entry: entry.config_id)  # not by score: see `resampled_optimism`
    seeds = _common_seeds(ranked)
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
    """What the ranked scores vary by: hyperparameters or seeds; none where it cannot be told."""
    return variance_split({entry.config_id: entry.scores for entry in board.ranked})


def overstated_by(score: float | None, fresh: Interval | None, board: Leaderboard) -> float | None:
    """How much better a score is than the mean over seeds that had no part in choosing it."""
    if score is None or fresh is None:
        return None
    return board.objectives.oriented(score - fresh.mean)


def tied_sentence(tied: TiedSet, board: Leaderboard) -> str:
    """Who cannot be told from the best mean, with corrected p-values, and by what test."""
    if not tied.p_values:
        return tied.method
    others = [board.entry(config_id) for config_id in tied.tied if config_id != tied.best]
    best = f"the best mean, {board.entry(tied.best).name}"
    if not others:
        return f"all others are told from {best}; {tied.method}"
    named = [f"{entry.name} (p = {tied.p_values[entry.config_id]:.3g})" for entry in others[:MOST_NAMED]]
    more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
    return f"cannot be told from {best}: {', '.join(named)}{more}; {tied.method}"


def _common_seeds(entries: list[Entry]) -> list[int]:
    if not entries:
        return []
    return [seed for seed in entries[0].scores if all(seed in entry.scores for entry in entries)]
