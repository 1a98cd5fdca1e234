"""What the runs table says of each configuration, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from results.ranking.confirmation_race import Race, race
from results.records.histories import RunHistory
from results.records.manifest import SweepManifest
from results.records.objectives import ObjectiveValues
from results.records.schemas import RunState

CANDIDATE = "candidate"
"""The role of configurations that the search proposed; only these can be selected."""


@dataclass(frozen=True, slots=True)
class ConfigurationRuns:
    """A configuration in the runs table.

    Attributes:
        config_id: its identity.
        number: its number among the proposals, none for contenders.
        roles: as which it ran, sorted.
        states: by seed.
        scores: the finite ones by seed, whatever the run's state.
        objective_values: by seed, of the measures that are wanted those that are finite.
    """

    config_id: str
    number: int | None
    roles: tuple[str, ...]
    states: Mapping[int, RunState]
    scores: Mapping[int, float]
    objective_values: Mapping[int, ObjectiveValues]

    @property
    def finished(self) -> dict[int, float]:
        """The finite scores of finished runs."""
        return {seed: s for seed, s in self.scores.items() if self.states[seed] is RunState.FINISHED}

    def outcome(self, seed: int) -> float | None:
        """The score of a run that has ended, none where it ended without one."""
        return self.finished.get(seed)

    def mean_objective_values(self, seeds: Sequence[int]) -> dict[str, float]:
        """The means over seeds that it finished on; empty where it did not finish on all of them."""
        finished = self.finished
        if not all(seed in finished for seed in seeds):
            return {}
        return mean_objective_values([self.objective_values[seed] for seed in seeds])


def configuration_runs(runs: pd.DataFrame, measures: Sequence[str]) -> Iterator[ConfigurationRuns]:
    """The configurations of a runs table, ordered by their identities."""
    for config_id, group in runs.groupby("config_id", sort=True):
        yield _configuration(str(config_id), group, measures)


def _configuration(config_id: str, runs: pd.DataFrame, measures: Sequence[str]) -> ConfigurationRuns:
    states: dict[int, RunState] = {}
    scores: dict[int, float] = {}
    for seed, state, score in zip(runs["seed"], runs["state"], runs["score"], strict=True):
        states[int(seed)] = RunState(state)
        if score is not None and math.isfinite(score):
            scores[int(seed)] = float(score)
    objective_values: dict[int, dict[str, float]] = {seed: {} for seed in states}
    for measure in measures:
        for seed, value in zip(runs["seed"], runs[measure], strict=True):
            if not pd.isna(value) and math.isfinite(value):
                objective_values[int(seed)][measure] = float(value)
    numbers = runs["number"].dropna()
    number = int(numbers.iloc[0]) if len(numbers) else None
    return ConfigurationRuns(
        config_id, number, tuple(sorted(set(runs["role"]))), states, scores, objective_values
    )


# FOLDED What runs measured of what a sweep wants (see `results.records.objectives`), from their records.
def objective_values(history: RunHistory, measures: Iterable[str]) -> dict[str, float]:
    """What one run measured, the finite values by measure: costs of all its epochs, metrics at its best one."""
    at_best = history.best_row or {}
    costs = {
        "parameters": history.parameters,
        "epochs": len(history.epochs),
        "seconds": history.seconds,
    }
    found = {measure: costs[measure] if measure in costs else at_best.get(measure) for measure in measures}
    return {measure: float(v) for measure, v in found.items() if v is not None and math.isfinite(v)}


def mean_objective_values(runs: Sequence[ObjectiveValues]) -> dict[str, float]:
    """The mean over runs of each measure that all of them have."""
    if not runs:
        return {}
    shared = [measure for measure in runs[0] if all(measure in run for run in runs)]
    return {measure: sum(run[measure] for run in runs) / len(runs) for measure in shared}


# FOLDED Which seeds a configuration is due to run on by now, from the records of all.
def confirmation_race(found: Sequence[ConfigurationRuns], manifest: SweepManifest) -> Race:
    """How the confirmation stands: those race that were given any of its seeds."""
    active = [c for c in found if CANDIDATE in c.roles and set(c.states) & set(manifest.confirm_seeds)]
    by_id = {c.config_id: c for c in active}
    return race(
        manifest.confirmation,
        {c.config_id: {s: c.outcome(s) for s in c.states if c.states[s].is_final} for c in active},
        manifest.confirm_seeds,
        earlier=manifest.counted_search_seeds,
        searched=[mean for c in found if (mean := _search_mean(c, manifest)) is not None],
        higher_is_better=manifest.direction == "max",
        violates=lambda racer, seeds: bool(
            manifest.goals.violated(by_id[racer].mean_objective_values(seeds))
        ),
    )


def _search_mean(configuration: ConfigurationRuns, manifest: SweepManifest) -> float | None:
    """The mean over the search seeds of a candidate that finished on all of them."""
    if CANDIDATE not in configuration.roles or not manifest.search_seeds:
        return None
    scores = [configuration.finished.get(seed) for seed in manifest.search_seeds]
    whole = [score for score in scores if score is not None]
    return sum(whole) / len(whole) if len(whole) == len(scores) else None


def expected_seeds(
    configuration: ConfigurationRuns, standing: Race, manifest: SweepManifest
) -> tuple[int, ...]:
    """The ranking seeds that a configuration is due to run on by now; none: it is not in the ranking."""
    if CANDIDATE not in configuration.roles:
        return () if manifest.evaluate_seeds else manifest.ranking_seeds
    if not manifest.confirm_seeds:
        return manifest.ranking_seeds
    held = standing.seeds_of(configuration.config_id)
    return (*manifest.counted_search_seeds, *held) if held else ()
