"""What the records say of each configuration, seed by seed: the one view that rankings and decisions are made from.

A sweep that runs reads it from journals (`of_histories`), a reader of a finished one from the runs table (`of_table`).
Equal records give equal views.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from results.ranking.confirmation_race import Race, race
from results.records.histories import RunHistory
from results.records.manifest import SweepManifest
from results.records.objectives import ObjectiveValues
from results.records.schemas import RunState

CANDIDATE = "candidate"
"""The role of configurations that the search proposed. Only candidates can be selected."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as far as rankings look at it.

    Attributes:
        config_id, seed: the run's key.
        role: `candidate`, `paper` or `undebiased`.
        number: the number of the proposal; None for contenders that were never proposed.
        state: how the run ended, or that it has not.
        score: the monitored validation metric at the best epoch, whatever the state; None without a finite one.
        values: the finite objective values, by measure.
    """

    config_id: str
    seed: int
    role: str
    number: int | None
    state: RunState
    score: float | None
    values: ObjectiveValues


@dataclass(frozen=True, slots=True)
class ConfigurationRuns:
    """All runs of one configuration.

    Attributes:
        config_id: the configuration.
        runs: its runs by seed, in the order of the seeds.
    """

    config_id: str
    runs: Mapping[int, RunRecord]

    @property
    def number(self) -> int | None:
        """The number of the proposal; None for contenders that were never proposed."""
        return next((run.number for run in self.runs.values() if run.number is not None), None)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of its runs, sorted."""
        return tuple(sorted({run.role for run in self.runs.values()}))

    @property
    def is_candidate(self) -> bool:
        """Whether the search proposed it."""
        return any(run.role == CANDIDATE for run in self.runs.values())

    @property
    def finished(self) -> dict[int, float]:
        """The finite scores of finished runs, by seed."""
        return {
            seed: run.score
            for seed, run in self.runs.items()
            if run.state is RunState.FINISHED and run.score is not None
        }

    @property
    def outcomes(self) -> dict[int, float | None]:
        """The scores of runs that have ended, by seed; None where a run ended without one."""
        finished = self.finished
        return {seed: finished.get(seed) for seed, run in self.runs.items() if run.state.is_final}

    def mean_score(self, seeds: Sequence[int]) -> float | None:
        """The mean score over seeds; None unless the configuration finished on all of them, or without seeds."""
        finished = self.finished
        if not seeds or not finished.keys() >= {*seeds}:
            return None
        return sum(finished[seed] for seed in seeds) / len(seeds)

    def mean_values(self, seeds: Sequence[int]) -> dict[str, float]:
        """The mean objective values over seeds; empty unless the configuration finished on all of them."""
        if not self.finished.keys() >= {*seeds}:
            return {}
        return mean_objective_values([self.runs[seed].values for seed in seeds])


def of_histories(histories: Iterable[RunHistory], measures: Iterable[str]) -> dict[str, ConfigurationRuns]:
    """The configurations of runs that were read from journals, by identity in order."""
    wanted = tuple(measures)
    return grouped(run_record(history, wanted) for history in histories)


def of_table(runs: pd.DataFrame, measures: Iterable[str]) -> dict[str, ConfigurationRuns]:
    """The configurations of a runs table, by identity in order."""
    wanted = tuple(measures)
    columns = ["config_id", "seed", "role", "number", "state", "score", *wanted]
    return grouped(
        RunRecord(
            config_id=str(config_id),
            seed=int(seed),
            role=str(role),
            number=None if pd.isna(number) else int(number),
            state=RunState(state),
            score=_finite(score),
            values=_finite_values(dict(zip(wanted, values, strict=True))),
        )
        for config_id, seed, role, number, state, score, *values in runs[columns].itertuples(
            index=False, name=None
        )
    )


def run_record(history: RunHistory, measures: Iterable[str]) -> RunRecord:
    """One run that was read from its journals."""
    return RunRecord(
        config_id=history.key.config_id,
        seed=history.key.seed,
        role=history.role,
        number=history.number,
        state=history.state,
        score=_finite(history.score),
        values=objective_values(history, measures),
    )


def objective_values(history: RunHistory, measures: Iterable[str]) -> dict[str, float]:
    """The finite objective values of one run: costs of all its epochs, metrics at its best epoch."""
    at_best = history.best_row or {}
    costs = {
        "parameters": history.parameters,
        "epochs": len(history.epochs),
        "seconds": history.seconds,
    }
    return _finite_values({m: costs[m] if m in costs else at_best.get(m) for m in measures})


def mean_objective_values(runs: Sequence[ObjectiveValues]) -> dict[str, float]:
    """The mean over runs of each measure that all of them have."""
    if not runs:
        return {}
    shared = [measure for measure in runs[0] if all(measure in run for run in runs)]
    return {measure: sum(run[measure] for run in runs) / len(runs) for measure in shared}


def confirmation_race(
    found: Mapping[str, ConfigurationRuns], manifest: SweepManifest, chosen: Iterable[str] = ()
) -> Race:
    """The race of the confirmation, as far as the records go.

    Args:
        found: all configurations.
        manifest: the rule, the seeds, the objectives.
        chosen: candidates that are to be confirmed. Candidates with a run on a confirmation seed race beside them.
    """
    seeds = {*manifest.confirm_seeds}
    begun = [each.config_id for each in found.values() if each.is_candidate and each.runs.keys() & seeds]
    means = [found_mean for c in found.values() if (found_mean := search_mean(c, manifest)) is not None]
    return race(
        manifest.confirmation,
        {config_id: found[config_id].outcomes for config_id in sorted({*begun, *chosen})},
        manifest.confirm_seeds,
        earlier=manifest.counted_search_seeds,
        searched=means,
        direction=manifest.direction,
        violates=lambda config_id, on: bool(manifest.objectives.violated(found[config_id].mean_values(on))),
    )


def search_mean(configuration: ConfigurationRuns, manifest: SweepManifest) -> float | None:
    """The mean score of a candidate over the search seeds; None unless it finished on all of them."""
    return configuration.mean_score(manifest.search_seeds) if configuration.is_candidate else None


def expected_seeds(
    configuration: ConfigurationRuns, standing: Race, manifest: SweepManifest
) -> tuple[int, ...]:
    """The ranking seeds that a configuration should have run on by now; empty: it is not ranked."""
    if not configuration.is_candidate:
        return () if manifest.evaluate_seeds else manifest.ranking_seeds
    if not manifest.confirm_seeds:
        return manifest.ranking_seeds
    held = standing.seeds_of(configuration.config_id)
    return (*manifest.counted_search_seeds, *held) if held else ()


def grouped(records: Iterable[RunRecord]) -> dict[str, ConfigurationRuns]:
    """The configurations of runs, by identity in order, each with its runs in the order of their seeds."""
    by_id: defaultdict[str, dict[int, RunRecord]] = defaultdict(dict)
    for record in sorted(records, key=lambda record: (record.config_id, record.seed)):
        by_id[record.config_id][record.seed] = record
    return {config_id: ConfigurationRuns(config_id, runs) for config_id, runs in by_id.items()}


def _finite(value: Any) -> float | None:
    """The value as a number; None for null and for what is not finite."""
    return None if value is None or not math.isfinite(value) else float(value)


def _finite_values(values: Mapping[str, Any]) -> dict[str, float]:
    found = {measure: _finite(value) for measure, value in values.items()}
    return {measure: value for measure, value in found.items() if value is not None}
