"""The leaderboard: configurations ranked by their mean validation score over complete sets of seeds.

A mean over only the seeds that finished would favour configurations that crash. So a configuration is ranked only if it
finished on every expected seed. Three kinds of configurations are listed separately: incomplete ones, those that
violate a constraint, and those that the confirmation eliminated, whose means are over fewer seeds (see
`results.ranking.confirmation_race`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from causalmer_core.measures.metrics import Direction
from results.ranking.configuration_runs import (
    CANDIDATE,
    ConfigurationRuns,
    RunRecord,
    confirmation_race,
    expected_seeds,
    of_table,
)
from results.ranking.confirmation_race import Race
from results.records.manifest import SweepManifest
from results.records.objectives import VALID, Objectives, ObjectiveValues
from results.records.schemas import RunState
from results.statistics.intervals import Interval, t_interval
from results.statistics.pareto import fronts

COLUMNS = ("config_id", "seed", "role", "number", "state", "score")
"""The columns of the runs table that the leaderboard uses, beside the sweep's measures (`results.records.objectives`).
They are validation records; the test split is not among them.
"""
NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True)
class Entry:
    """A configuration on the leaderboard.

    Attributes:
        config_id: its identity.
        number: the number of its proposal. None for contenders.
        roles: `candidate`, `paper`, `undebiased`; more than one if the search also proposed a contender.
        scores: the finite validation scores of finished runs, by expected ranking seed.
        missing: why an expected ranking seed has no score, in words, by seed.
        search_scores: the score by search seed, in every state of the run. A pruned run has its best score so far.
        search_states: the run's state by search seed.
        fresh_scores: the validation score by evaluation seed.
        interval: of the mean over the expected ranking seeds. None if a seed is missing.
        fresh_interval: of the mean over the evaluation seeds. None if a seed is missing.
        eliminated_after: the number of confirm seeds after which it was eliminated. None if it was not.
        chance: its last computed probability of being the best. None if it was never computed.
        measured: the means of all measures over the first complete set of seeds: the ranking seeds, the evaluation
            seeds or the search seeds.
        violated: the constraints that these means violate, in words.
        front: the number of its front among the ranked; 1 is the Pareto front. None with a single objective.
    """

    config_id: str
    number: int | None
    roles: tuple[str, ...]
    scores: Mapping[int, float]
    missing: Mapping[int, str]
    search_scores: Mapping[int, float]
    search_states: Mapping[int, RunState]
    fresh_scores: Mapping[int, float]
    interval: Interval | None
    fresh_interval: Interval | None
    eliminated_after: int | None
    chance: float | None
    measured: ObjectiveValues = field(default_factory=dict)
    violated: tuple[str, ...] = ()
    front: int | None = None

    @property
    def selectable(self) -> bool:
        """Whether a rule may select it.

        It must be a candidate with a complete set of seeds, not eliminated, and within all constraints.
        """
        return self.is_whole and self.eliminated_after is None and not self.violated

    @property
    def is_whole(self) -> bool:
        """Whether it is a candidate with a complete set of ranking seeds."""
        return CANDIDATE in self.roles and self.interval is not None

    @property
    def label(self) -> str:
        """A short name: `#3` for a candidate, the role for a contender, `#0/paper` for both."""
        if self.number is None:
            return "/".join(self.roles)
        return "/".join([self.name, *(role for role in self.roles if role != CANDIDATE)])

    @property
    def name(self) -> str:
        """`#3` for a proposal, else the config_id. Unlike `label` it does not depend on the roles."""
        return self.config_id if self.number is None else f"#{self.number}"

    @property
    def search_mean(self) -> float | None:
        """The mean of the search scores. None without any."""
        return sum(self.search_scores.values()) / len(self.search_scores) if self.search_scores else None

    @property
    def best_known_interval(self) -> Interval | None:
        """The interval over the ranking seeds, else the one over the evaluation seeds."""
        return self.interval or self.fresh_interval


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """All configurations of a sweep, in six groups.

    Attributes:
        ranked: selectable candidates, the best first.
        infeasible: candidates with a complete set of seeds that violate a constraint, the best first.
        eliminated: candidates that the confirmation eliminated, the last eliminated first, then the best first.
        contenders: other configurations with a complete set of seeds (the paper's default, the undebiased backbone),
            the best first. Their seeds are the evaluation seeds if the sweep has any.
        incomplete: configurations that did not finish on all expected seeds.
        unconfirmed: candidates without an expected ranking seed, the best search score first.
        seeds: the ranking seeds that some configuration is expected to run on.
        fresh_seeds: the evaluation seeds, which no selection uses.
        objectives: the metric that ranks, further objectives, and constraints.
    """

    ranked: tuple[Entry, ...]
    infeasible: tuple[Entry, ...]
    eliminated: tuple[Entry, ...]
    contenders: tuple[Entry, ...]
    incomplete: tuple[Entry, ...]
    unconfirmed: tuple[Entry, ...]
    seeds: tuple[int, ...]
    fresh_seeds: tuple[int, ...]
    objectives: Objectives

    @property
    def metric(self) -> str:
        """The metric that ranks."""
        return self.objectives.metric

    @property
    def direction(self) -> Direction:
        """Whether a higher (`max`) or a lower (`min`) value of the metric is better."""
        return self.objectives.direction

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All configurations, in the order of the six groups."""
        apart = (*self.infeasible, *self.eliminated, *self.contenders, *self.incomplete, *self.unconfirmed)
        return (*self.ranked, *apart)

    @property
    def other_measures(self) -> tuple[str, ...]:
        """The measures of objectives and constraints, without the metric that ranks."""
        return tuple(measure for measure in self.objectives.measures if measure != f"{VALID}{self.metric}")

    @property
    def front(self) -> tuple[Entry, ...]:
        """The Pareto front, sorted by the first objective, the best first. Empty with a single objective."""
        return tuple(entry for entry in self.ranked if entry.front == 1)

    def entry(self, config_id: str) -> Entry:
        """The entry of a configuration.

        Raises:
            KeyError: it is not on the leaderboard.
        """
        for entry in self.entries:
            if entry.config_id == config_id:
                return entry
        raise KeyError(config_id)


def leaderboard(runs: pd.DataFrame, manifest: SweepManifest) -> Leaderboard:
    """Rank the configurations of a runs table.

    Ties go to the lower number, so that equal records give an equal order.

    Args:
        runs: the runs table; only `seen_columns` are used.
        manifest: has the seeds, the objectives, and the rule of the confirmation.
    """
    found = of_table(runs[list(seen_columns(manifest))], manifest.objectives.measures)
    confirmation = confirmation_race(found, manifest)
    expected = {config_id: expected_seeds(each, confirmation, manifest) for config_id, each in found.items()}
    entries = [_entry(each, expected[config_id], confirmation, manifest) for config_id, each in found.items()]
    eliminated = [entry for entry in entries if entry.eliminated_after is not None]
    remaining = [entry for entry in entries if entry.eliminated_after is None]
    ranked = [entry for entry in remaining if entry.selectable]
    contenders = [e for e in remaining if CANDIDATE not in e.roles and e.best_known_interval is not None]
    infeasible = [entry for entry in remaining if entry.is_whole and not entry.selectable]
    others = [entry for entry in remaining if entry not in (*ranked, *infeasible, *contenders)]
    unconfirmed = [entry for entry in others if not expected[entry.config_id] and CANDIDATE in entry.roles]
    in_use = {seed for seeds in expected.values() for seed in seeds}
    return Leaderboard(
        ranked=_with_fronts(_by_mean(ranked, manifest), manifest.objectives),
        infeasible=_by_mean(infeasible, manifest),
        eliminated=tuple(
            sorted(_by_mean(eliminated, manifest), key=lambda entry: -(entry.eliminated_after or 0))
        ),
        contenders=_by_mean(contenders, manifest),
        incomplete=_by_search([entry for entry in others if entry not in unconfirmed], manifest),
        unconfirmed=_by_search(unconfirmed, manifest),
        seeds=tuple(seed for seed in manifest.ranking_seeds if seed in in_use) or manifest.ranking_seeds,
        fresh_seeds=manifest.evaluate_seeds,
        objectives=manifest.objectives,
    )


def seen_columns(manifest: SweepManifest) -> tuple[str, ...]:
    """The columns of the runs table that a sweep's leaderboard uses, each once."""
    return tuple(dict.fromkeys((*COLUMNS, *manifest.objectives.measures)))


def _with_fronts(ranked: tuple[Entry, ...], objectives: Objectives) -> tuple[Entry, ...]:
    """The entries with the numbers of their fronts; unchanged with a single objective."""
    if not objectives.is_multi_objective:
        return ranked
    numbers = fronts([objectives.values(entry.measured) for entry in ranked], objectives.directions)
    return tuple(replace(entry, front=number) for entry, number in zip(ranked, numbers, strict=True))


def _entry(
    configuration: ConfigurationRuns, expected: Sequence[int], confirmation: Race, manifest: SweepManifest
) -> Entry:
    finished, runs = configuration.finished, configuration.runs
    fresh = {seed: finished[seed] for seed in manifest.evaluate_seeds if seed in finished}
    missing = {seed: _why_missing(runs.get(seed)) for seed in expected if seed not in finished}
    ranking = {seed: finished[seed] for seed in expected if seed in finished}
    searched = [runs[seed] for seed in manifest.search_seeds if seed in runs]
    eliminated = confirmation.eliminated_after(configuration.config_id) is not None
    confirm_seeds = confirmation.seeds_of(configuration.config_id)
    measured = _measured(configuration, (expected, manifest.evaluate_seeds, manifest.search_seeds))
    return Entry(
        config_id=configuration.config_id,
        number=configuration.number,
        roles=configuration.roles,
        scores=ranking,
        missing=missing,
        search_scores={run.seed: run.score for run in searched if run.score is not None},
        search_states={run.seed: run.state for run in searched},
        fresh_scores=fresh,
        interval=t_interval(list(ranking.values())) if ranking and not missing else None,
        fresh_interval=t_interval(list(fresh.values()))
        if fresh and len(fresh) == len(manifest.evaluate_seeds)
        else None,
        eliminated_after=len(confirm_seeds) if eliminated else None,
        chance=confirmation.last_chance(configuration.config_id),
        measured=measured or {},
        violated=() if measured is None else manifest.objectives.violated(measured),
    )


def _measured(configuration: ConfigurationRuns, sets: Iterable[Sequence[int]]) -> ObjectiveValues | None:
    """The mean objective values over the first set of seeds that the configuration finished on."""
    whole = (seeds for seeds in sets if seeds and configuration.finished.keys() >= {*seeds})
    first = next(whole, None)
    return None if first is None else configuration.mean_values(first)


def _why_missing(run: RunRecord | None) -> str:
    if run is None:
        return NOT_STARTED
    return "finished without a finite score" if run.state is RunState.FINISHED else run.state.value


def _by_mean(entries: list[Entry], manifest: SweepManifest) -> tuple[Entry, ...]:
    known = {entry.config_id: entry.best_known_interval for entry in entries}
    means = {config_id: None if each is None else each.mean for config_id, each in known.items()}
    return _sorted(entries, means, manifest)


def _by_search(entries: list[Entry], manifest: SweepManifest) -> tuple[Entry, ...]:
    return _sorted(entries, {entry.config_id: entry.search_mean for entry in entries}, manifest)


def _sorted(
    entries: list[Entry], values: Mapping[str, float | None], manifest: SweepManifest
) -> tuple[Entry, ...]:
    def order(entry: Entry) -> tuple[bool, float, float, str]:
        value = values[entry.config_id]
        number = math.inf if entry.number is None else entry.number
        return (
            value is None,
            0.0 if value is None else -manifest.objectives.oriented(value),
            number,
            entry.config_id,
        )

    return tuple(sorted(entries, key=order))
