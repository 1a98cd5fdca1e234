"""The leaderboard: configurations ranked by their mean validation score over complete sets of seeds.

A mean over the seeds that happened to survive favours configurations that crash: a configuration is ranked only when it
finished on every seed that it was due to run on, and stands apart otherwise. So does one that left the confirmation:
its mean is over fewer seeds than those of the ones that stayed (see `results.ranking.confirmation_race`). And so does one whose means over
these seeds violate a constraint.
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
"""What the leaderboard sees of the runs table, beside the measures of the sweep's goals (`results.records.objectives`): validation
scores, nothing of the test split.
"""
NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True)
class Entry:
    """A configuration on the leaderboard.

    Attributes:
        config_id: its identity.
        number: its number among the proposals, none for contenders.
        roles: `candidate`, `paper`, `undebiased`: more than one where the search met a contender again.
        scores: the validation score by ranking seed that it was due to run on, of finished runs with a finite score.
        missing: why such a seed has no score: the run's state in words, by seed.
        search_scores: the score by search seed, whatever the run's state; a pruned run's is its best so far.
        search_states: the run's state by search seed.
        fresh_scores: the validation score by seed that no selection sees.
        interval: of the mean over the ranking seeds that it was due to run on; none where the set is not complete.
        fresh_interval: of the mean over the seeds that no selection sees; likewise.
        eliminated_after: after so many confirm seeds it left the confirmation; none: it has not.
        chance: of being the best, when that was last asked.
        measured: the means of what objectives and constraints are about, over the first complete set of seeds among the
            ranking's, those that no selection sees, and the search's.
        violated: in words, which constraints these means violate.
        front: among the ranked the number of its front; 1 is the Pareto front. None: there is one objective.
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
        """Whether a rule may choose it: proposed by the search, with a complete set of seeds, still in, and within all
        constraints.
        """
        return self.is_whole and self.eliminated_after is None and not self.violated

    @property
    def is_whole(self) -> bool:
        """Whether it was proposed by the search and has a complete set of seeds."""
        return CANDIDATE in self.roles and self.interval is not None

    @property
    def label(self) -> str:
        """A short name: `#3`, or the role of a contender; `#0/paper` for what is both."""
        if self.number is None:
            return "/".join(self.roles)
        return "/".join([self.name, *(role for role in self.roles if role != CANDIDATE)])

    @property
    def name(self) -> str:
        """The same whatever else it has run as since: `#3`, or the identity of what was never proposed."""
        return self.config_id if self.number is None else f"#{self.number}"

    @property
    def search_mean(self) -> float | None:
        """The mean of the search scores: what the search believed; none without any."""
        return sum(self.search_scores.values()) / len(self.search_scores) if self.search_scores else None

    @property
    def standing(self) -> Interval | None:
        """What it is shown by: the ranking's interval, or for who is not ranked that over fresh seeds."""
        return self.interval or self.fresh_interval


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """All configurations of a sweep, apart by how far they came.

    Attributes:
        ranked: candidates with complete seed sets that did not leave the confirmation, the best first.
        infeasible: candidates with complete seed sets that violate a constraint, the best first.
        eliminated: candidates that left it, the last to leave first, among these the best first.
        contenders: the others with complete seed sets (the paper's default, the undebiased backbone), best
            first; where there are seeds that no selection sees, these are their sets.
        incomplete: configurations that were given seeds and did not finish on all of them.
        unconfirmed: candidates that got no ranking seed, the best search score first.
        seeds: the ranking seeds that anyone was due to run on.
        fresh_seeds: those that no selection sees.
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
        """Whether more (`max`) or less (`min`) of the metric is better."""
        return self.objectives.direction

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All configurations, in the order of the six groups."""
        apart = (*self.infeasible, *self.eliminated, *self.contenders, *self.incomplete, *self.unconfirmed)
        return (*self.ranked, *apart)

    @property
    def other_measures(self) -> tuple[str, ...]:
        """What objectives and constraints are about, beside the metric that ranks."""
        return tuple(measure for measure in self.objectives.measures if measure != f"{VALID}{self.metric}")

    @property
    def front(self) -> tuple[Entry, ...]:
        """The Pareto front of several objectives, the best in the first one first; empty where there is one."""
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
        runs: the runs table; only `seen_columns` are looked at.
        manifest: says the seeds, the metric and its direction, the goals, and who leaves the confirmation when.
    """
    found = of_table(runs[list(seen_columns(manifest))], manifest.objectives.measures)
    standing = confirmation_race(found, manifest)
    due = {config_id: expected_seeds(each, standing, manifest) for config_id, each in found.items()}
    entries = [_entry(each, due[config_id], standing, manifest) for config_id, each in found.items()]
    eliminated = [entry for entry in entries if entry.eliminated_after is not None]
    staying = [entry for entry in entries if entry.eliminated_after is None]
    ranked = [entry for entry in staying if entry.selectable]
    contenders = [e for e in staying if CANDIDATE not in e.roles and e.standing is not None]
    infeasible = [entry for entry in staying if entry.is_whole and not entry.selectable]
    apart = [*ranked, *infeasible, *contenders]
    others = [entry for entry in staying if entry not in apart]
    unconfirmed = [entry for entry in others if not due[entry.config_id] and CANDIDATE in entry.roles]
    return Leaderboard(
        ranked=_with_fronts(_by_mean(ranked, manifest), manifest.objectives),
        infeasible=_by_mean(infeasible, manifest),
        eliminated=tuple(
            sorted(_by_mean(eliminated, manifest), key=lambda entry: -(entry.eliminated_after or 0))
        ),
        contenders=_by_mean(contenders, manifest),
        incomplete=_by_search([entry for entry in others if entry not in unconfirmed], manifest),
        unconfirmed=_by_search(unconfirmed, manifest),
        seeds=_seeds_in_use(due.values(), manifest),
        fresh_seeds=manifest.evaluate_seeds,
        objectives=manifest.objectives,
    )


def seen_columns(manifest: SweepManifest) -> tuple[str, ...]:
    """The columns of the runs table that a sweep's leaderboard sees, each once."""
    return tuple(dict.fromkeys((*COLUMNS, *manifest.objectives.measures)))


def _with_fronts(ranked: tuple[Entry, ...], objectives: Objectives) -> tuple[Entry, ...]:
    """The entries with the numbers of their fronts; as they are where there is one objective."""
    if not objectives.is_multi_objective:
        return ranked
    numbers = fronts([objectives.values(entry.measured) for entry in ranked], objectives.directions)
    return tuple(replace(entry, front=number) for entry, number in zip(ranked, numbers, strict=True))


def _seeds_in_use(due: Iterable[Sequence[int]], manifest: SweepManifest) -> tuple[int, ...]:
    used = {seed for seeds in due for seed in seeds}
    return tuple(seed for seed in manifest.ranking_seeds if seed in used) or manifest.ranking_seeds


def _entry(
    configuration: ConfigurationRuns, due: Sequence[int], standing: Race, manifest: SweepManifest
) -> Entry:
    finished, runs = configuration.finished, configuration.runs
    fresh = {seed: finished[seed] for seed in manifest.evaluate_seeds if seed in finished}
    missing = {seed: _why_missing(runs.get(seed)) for seed in due if seed not in finished}
    ranking = {seed: finished[seed] for seed in due if seed in finished}
    searched = [runs[seed] for seed in manifest.search_seeds if seed in runs]
    eliminated = standing.eliminated_after(configuration.config_id)
    measured = _measured(configuration, (due, manifest.evaluate_seeds, manifest.search_seeds))
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
        fresh_interval=t_interval(list(fresh.values())) if _is_whole(fresh, manifest) else None,
        eliminated_after=None if eliminated is None else _held(standing, configuration.config_id),
        chance=standing.last_chance(configuration.config_id),
        measured=measured or {},
        violated=() if measured is None else manifest.objectives.violated(measured),
    )


def _measured(configuration: ConfigurationRuns, sets: Iterable[Sequence[int]]) -> ObjectiveValues | None:
    """The means over the first set of seeds that it finished on."""
    whole = (seeds for seeds in sets if seeds and configuration.finished.keys() >= {*seeds})
    first = next(whole, None)
    return None if first is None else configuration.mean_values(first)


def _is_whole(fresh: Mapping[int, float], manifest: SweepManifest) -> bool:
    return bool(fresh) and len(fresh) == len(manifest.evaluate_seeds)


def _held(standing: Race, config_id: str) -> int:
    return sum(len(each.seeds) for each in standing.rounds if config_id in each.active)


def _why_missing(run: RunRecord | None) -> str:
    if run is None:
        return NOT_STARTED
    return "finished without a finite score" if run.state is RunState.FINISHED else run.state.value


def _by_mean(entries: list[Entry], manifest: SweepManifest) -> tuple[Entry, ...]:
    return _sorted(entries, {e.config_id: e.standing.mean if e.standing else None for e in entries}, manifest)


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
