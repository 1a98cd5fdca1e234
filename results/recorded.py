"""What the runs table says of each configuration, seed by seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from results.goals import Measured
from results.measured import mean_measured
from results.records import RunState

CANDIDATE = "candidate"
"""The role of configurations that the search proposed; only these can be selected."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A configuration in the runs table.

    Attributes:
        config_id: its identity.
        number: its number among the proposals, none for contenders.
        roles: as which it ran, sorted.
        states: by seed.
        scores: the finite ones by seed, whatever the run's state.
        measured: by seed, of the measures that are wanted those that are finite.
    """

    config_id: str
    number: int | None
    roles: tuple[str, ...]
    states: Mapping[int, RunState]
    scores: Mapping[int, float]
    measured: Mapping[int, Measured]

    @property
    def finished(self) -> dict[int, float]:
        """The finite scores of finished runs."""
        return {seed: s for seed, s in self.scores.items() if self.states[seed] is RunState.FINISHED}

    def outcome(self, seed: int) -> float | None:
        """The score of a run that has ended, none where it ended without one."""
        return self.finished.get(seed)

    def mean_measured(self, seeds: Sequence[int]) -> dict[str, float]:
        """The means over seeds that it finished on; empty where it did not finish on all of them."""
        finished = self.finished
        if not all(seed in finished for seed in seeds):
            return {}
        return mean_measured([self.measured[seed] for seed in seeds])


def recorded(runs: pd.DataFrame, measures: Sequence[str]) -> Iterator[Recorded]:
    """The configurations of a runs table, ordered by their identities."""
    for config_id, group in runs.groupby("config_id", sort=True):
        yield _recorded(str(config_id), group, measures)


def _recorded(config_id: str, runs: pd.DataFrame, measures: Sequence[str]) -> Recorded:
    states: dict[int, RunState] = {}
    scores: dict[int, float] = {}
    for seed, state, score in zip(runs["seed"], runs["state"], runs["score"], strict=True):
        states[int(seed)] = RunState(state)
        if score is not None and math.isfinite(score):
            scores[int(seed)] = float(score)
    measured: dict[int, dict[str, float]] = {seed: {} for seed in states}
    for measure in measures:
        for seed, value in zip(runs["seed"], runs[measure], strict=True):
            if not pd.isna(value) and math.isfinite(value):
                measured[int(seed)][measure] = float(value)
    numbers = runs["number"].dropna()
    number = int(numbers.iloc[0]) if len(numbers) else None
    return Recorded(config_id, number, tuple(sorted(set(runs["role"]))), states, scores, measured)
