"""The selection rules, each with the columns of the runs table that it may use.

Every rule selects among the configurations with complete seed sets that violate no constraint. No column is of the test
split.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from causalmer_core.basics.errors import UserError
from results.ranking.leaderboard import COLUMNS, Entry, Leaderboard
from results.records.objectives import Objectives
from results.statistics.pareto import knee

_SAME = 1e-12
"""Scores closer than this differ by rounding alone, in points of the metric."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The input of a rule.

    Attributes:
        board: the leaderboard, with at least one selectable entry.
        runs: the runs table, with only the columns that the rule may use.
    """

    board: Leaderboard
    runs: pd.DataFrame

    @property
    def entries(self) -> list[Entry]:
        """The selectable entries, the best mean first."""
        return [entry for entry in self.board.ranked if entry.selectable]


@dataclass(frozen=True, slots=True)
class Rule:
    """A selection rule.

    Attributes:
        name: its name in the sweep's YAML file.
        description: its result, in words.
        columns: the columns of the runs table that it may use, beside the sweep's measures. The rule gets only these
            columns, and a leaderboard made from them. So no rule can use the test split.
        choose: the function that selects an entry.
        least_seeds: the least number of ranking seeds.
    """

    name: str
    description: str
    columns: tuple[str, ...]
    choose: Callable[[Candidates], Entry]
    least_seeds: int = 1


def _best_mean(candidates: Candidates) -> Entry:
    return candidates.entries[0]


def _knee(candidates: Candidates) -> Entry:
    board = candidates.board
    if not board.objectives.is_multi_objective:
        return _best_mean(candidates)  # with one objective the front is the best mean
    points = [board.objectives.values(entry.measured) for entry in board.front]
    return board.front[knee(points, board.objectives.directions)]


def _lower_bound(candidates: Candidates) -> Entry:
    """The configuration whose t interval of the mean has the best pessimistic end.

    The pessimistic end is the low one where higher is better, else the high one. The rule prefers configurations whose
    seeds happen to agree. With three seeds the width of an interval is mostly luck.

    Raises:
        UserError: several configurations have one seed each, and so no interval.
    """
    return max(
        _with_spread(candidates, "lower_bound"),
        key=lambda entry: _worse_end(entry, candidates.board.objectives),
    )


def _one_standard_error(candidates: Candidates) -> Entry:
    """The configuration with the fewest parameters within one standard error of the best one.

    With the differences d_s = best_s - score_s on common seeds, positive where worse, a configuration is within one
    standard error if

        mean(d) <= s_d / sqrt(n)

    The error is of the difference, because a seed's common effect on both does not show which is better. Of equally
    small configurations the better mean is selected. If no searched parameter changes the size, the rule equals
    `best_mean`. Source: Breiman et al., "Classification and regression trees", 1984, section 3.4.3.

    Raises:
        UserError: several configurations have one seed each.
    """
    entries = _with_spread(candidates, "one_standard_error")
    sizes = candidates.runs.groupby("config_id")["parameters"].max()
    close = [entry for entry in entries if _within_error(entries[0], entry, candidates.board.objectives)]
    return min(close, key=lambda entry: float(sizes[entry.config_id]))


def _with_spread(candidates: Candidates, rule: str) -> list[Entry]:
    entries = candidates.entries
    if len(entries) > 1 and any(len(entry.scores) < 2 for entry in entries):
        raise UserError(
            f"rule {rule} needs at least two ranking seeds per configuration to estimate the spread of scores, and "
            f"{entries[0].label} has {len(entries[0].scores)}; raise seeds.confirm or use rule best_mean"
        )
    return entries


def _worse_end(entry: Entry, objectives: Objectives) -> float:
    """The pessimistic end of the interval, oriented so that higher is better."""
    interval = entry.interval
    if interval is None or interval.low is None or interval.high is None:
        return 0.0  # only a single entry may have no interval, and nothing is compared with it
    return min(objectives.oriented(interval.low), objectives.oriented(interval.high))


def _within_error(best: Entry, entry: Entry, objectives: Objectives) -> bool:
    common = sorted(best.scores.keys() & entry.scores.keys())
    behind = np.array([objectives.oriented(best.scores[seed] - entry.scores[seed]) for seed in common])
    if behind.size < 2:
        return best is entry
    return bool(behind.mean() <= behind.std(ddof=1) / math.sqrt(behind.size) + _SAME)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            Rule(
                name="best_mean",
                description="the best mean validation score over the complete set of ranking seeds",
                columns=COLUMNS,
                choose=_best_mean,
            ),
            Rule(
                name="lower_bound",
                description="the best pessimistic end of the 95% t interval of the mean validation score over the "
                "complete set of ranking seeds",
                columns=COLUMNS,
                choose=_lower_bound,
                least_seeds=2,
            ),
            Rule(
                name="one_standard_error",
                description="the fewest parameters within one standard error of the best mean validation score, with "
                "the error of the difference on common ranking seeds",
                columns=(*COLUMNS, "parameters"),
                choose=_one_standard_error,
                least_seeds=2,
            ),
            Rule(
                name="knee",
                description="the point of the Pareto front farthest beyond the line through its extremes, with each "
                "objective's mean over the complete set of ranking seeds scaled to its range on the front",
                columns=COLUMNS,
                choose=_knee,
            ),
        )
    }
)
