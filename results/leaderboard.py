"""The leaderboard: configurations ranked by their mean validation score over complete sets of seeds.

A mean over the seeds that happened to survive favours configurations that crash: a configuration is ranked
only when it finished on every ranking seed, and stands apart otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from results.intervals import Interval, t_interval
from results.manifest import Manifest
from results.records import RunState

CANDIDATE = "candidate"
"""The role of configurations that the search proposed; only these can be selected."""
COLUMNS = ("config_id", "seed", "role", "number", "state", "score")
"""What the leaderboard sees of the runs table: validation scores, nothing of the test split."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A configuration on the leaderboard.

    Attributes:
        config_id: its identity.
        number: its number among the proposals, none for contenders.
        roles: `candidate`, `paper`, `undebiased`: more than one where the search met a contender again.
        scores: the validation score by ranking seed, of finished runs with a finite score.
        missing: why a ranking seed has no score: the run's state in words, by seed.
        search_scores: the score by search seed, whatever the run's state; a pruned run's is its best so far.
        search_states: the run's state by search seed.
        interval: of the mean over the ranking seeds; none where the set is not complete.
    """

    config_id: str
    number: int | None
    roles: tuple[str, ...]
    scores: Mapping[int, float]
    missing: Mapping[int, str]
    search_scores: Mapping[int, float]
    search_states: Mapping[int, RunState]
    interval: Interval | None

    @property
    def selectable(self) -> bool:
        """Whether a rule may choose it: proposed by the search, with a complete set of seeds."""
        return CANDIDATE in self.roles and self.interval is not None

    @property
    def label(self) -> str:
        """A short name: `#3`, or the role of a contender."""
        return f"#{self.number}" if self.number is not None else "/".join(self.roles)

    @property
    def search_mean(self) -> float | None:
        """The mean of the search scores: what the search believed; none without any."""
        return sum(self.search_scores.values()) / len(self.search_scores) if self.search_scores else None


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """All configurations of a sweep, apart by how far they came.

    Attributes:
        ranked: candidates with complete seed sets, the best first.
        contenders: the others with complete seed sets (the paper's default, the undebiased backbone), best
            first.
        incomplete: configurations that were given ranking seeds and did not finish on all of them.
        unconfirmed: candidates that got no ranking seed, the best search score first.
        seeds: the ranking seeds.
        metric, direction: what ranks, and whether more (`max`) or less (`min`) of it is better.
    """

    ranked: tuple[Entry, ...]
    contenders: tuple[Entry, ...]
    incomplete: tuple[Entry, ...]
    unconfirmed: tuple[Entry, ...]
    seeds: tuple[int, ...]
    metric: str
    direction: str

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All configurations, in the order of the four groups."""
        return (*self.ranked, *self.contenders, *self.incomplete, *self.unconfirmed)

    def entry(self, config_id: str) -> Entry:
        """The entry of a configuration.

        Raises:
            KeyError: it is not on the leaderboard.
        """
        for entry in self.entries:
            if entry.config_id == config_id:
                return entry
        raise KeyError(config_id)


def leaderboard(runs: pd.DataFrame, manifest: Manifest) -> Leaderboard:
    """Rank the configurations of a runs table.

    Ties go to the lower number, so that equal records give an equal order.

    Args:
        runs: the runs table; only `COLUMNS` are looked at.
        manifest: says the seeds, the metric and its direction.
    """
    entries = [
        _entry(str(config_id), group, manifest)
        for config_id, group in runs[list(COLUMNS)].groupby("config_id", sort=True)
    ]
    complete = [entry for entry in entries if entry.interval is not None]
    open_sets = [entry for entry in entries if entry.interval is None]
    started = {entry.config_id for entry in open_sets if _was_given_ranking_seeds(entry, manifest)}
    return Leaderboard(
        ranked=_by_mean([entry for entry in complete if CANDIDATE in entry.roles], manifest),
        contenders=_by_mean([entry for entry in complete if CANDIDATE not in entry.roles], manifest),
        incomplete=_by_search([entry for entry in open_sets if entry.config_id in started], manifest),
        unconfirmed=_by_search([entry for entry in open_sets if entry.config_id not in started], manifest),
        seeds=manifest.ranking_seeds,
        metric=manifest.monitor,
        direction=manifest.direction,
    )


NOT_STARTED = "not started"


def _entry(config_id: str, runs: pd.DataFrame, manifest: Manifest) -> Entry:
    states: dict[int, RunState] = {}
    scores: dict[int, float] = {}
    for seed, state, score in zip(runs["seed"], runs["state"], runs["score"], strict=True):
        states[int(seed)] = RunState(state)
        if score is not None and math.isfinite(score):
            scores[int(seed)] = float(score)
    finished = {seed: scores[seed] for seed in scores if states[seed] is RunState.FINISHED}
    ranking = {seed: finished[seed] for seed in manifest.ranking_seeds if seed in finished}
    missing = {
        seed: _why_missing(states.get(seed)) for seed in manifest.ranking_seeds if seed not in finished
    }
    numbers = runs["number"].dropna()
    return Entry(
        config_id=config_id,
        number=int(numbers.iloc[0]) if len(numbers) else None,
        roles=tuple(sorted(set(runs["role"]))),
        scores=ranking,
        missing=missing,
        search_scores={seed: scores[seed] for seed in manifest.search_seeds if seed in scores},
        search_states={seed: states[seed] for seed in manifest.search_seeds if seed in states},
        interval=None if missing else t_interval(list(ranking.values())),
    )


def _why_missing(state: RunState | None) -> str:
    if state is None:
        return NOT_STARTED
    return "finished without a finite score" if state is RunState.FINISHED else state.value


def _was_given_ranking_seeds(entry: Entry, manifest: Manifest) -> bool:
    if not manifest.confirm_seeds:
        return True  # the search seeds rank: whoever was searched was given them
    return any(why != NOT_STARTED for why in entry.missing.values()) or bool(entry.scores)


def _by_mean(entries: list[Entry], manifest: Manifest) -> tuple[Entry, ...]:
    return _sorted(entries, {e.config_id: e.interval.mean if e.interval else None for e in entries}, manifest)


def _by_search(entries: list[Entry], manifest: Manifest) -> tuple[Entry, ...]:
    return _sorted(entries, {entry.config_id: entry.search_mean for entry in entries}, manifest)


def _sorted(
    entries: list[Entry], values: Mapping[str, float | None], manifest: Manifest
) -> tuple[Entry, ...]:
    sign = -1.0 if manifest.direction == "max" else 1.0

    def order(entry: Entry) -> tuple[bool, float, float, str]:
        value = values[entry.config_id]
        number = math.inf if entry.number is None else entry.number
        return value is None, 0.0 if value is None else sign * value, number, entry.config_id

    return tuple(sorted(entries, key=order))
