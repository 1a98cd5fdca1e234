"""Which seeds a configuration is due to run on by now, from the records of all."""

from __future__ import annotations

from collections.abc import Sequence

from results.manifest import Manifest
from results.racing import Race, race
from results.recorded import CANDIDATE, Recorded


def race_of(found: Sequence[Recorded], manifest: Manifest) -> Race:
    """How the confirmation stands: those race that were given any of its seeds."""
    racers = [c for c in found if CANDIDATE in c.roles and set(c.states) & set(manifest.confirm_seeds)]
    by_id = {c.config_id: c for c in racers}
    return race(
        manifest.confirmation,
        {c.config_id: {s: c.outcome(s) for s in c.states if c.states[s].is_final} for c in racers},
        manifest.confirm_seeds,
        earlier=manifest.counted_search_seeds,
        searched=[mean for c in found if (mean := _search_mean(c, manifest)) is not None],
        higher_is_better=manifest.direction == "max",
        violates=lambda racer, seeds: bool(manifest.goals.broken(by_id[racer].mean_measured(seeds))),
    )


def _search_mean(configuration: Recorded, manifest: Manifest) -> float | None:
    """The mean over the search seeds of a candidate that finished on all of them."""
    if CANDIDATE not in configuration.roles or not manifest.search_seeds:
        return None
    scores = [configuration.finished.get(seed) for seed in manifest.search_seeds]
    whole = [score for score in scores if score is not None]
    return sum(whole) / len(whole) if len(whole) == len(scores) else None


def seeds_due(configuration: Recorded, standing: Race, manifest: Manifest) -> tuple[int, ...]:
    """The ranking seeds that a configuration is due to run on by now; none: it is not in the ranking."""
    if CANDIDATE not in configuration.roles:
        return () if manifest.evaluate_seeds else manifest.ranking_seeds
    if not manifest.confirm_seeds:
        return manifest.ranking_seeds
    held = standing.seeds_of(configuration.config_id)
    return (*manifest.counted_search_seeds, *held) if held else ()
