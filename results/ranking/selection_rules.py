"""The rules of selection: each says which columns of the runs table it may see, none of them of the test split.

Every rule chooses among the configurations with complete seed sets that violate no constraint.
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
"""Scores closer than this differ by rounding alone."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a rule chooses from.

    Attributes:
        board: the leaderboard, with at least one selectable entry.
        runs: the runs table, with the columns that the rule may see and no others.
    """

    board: Leaderboard
    runs: pd.DataFrame

    @property
    def entries(self) -> list[Entry]:
        """What may be chosen, the best mean first."""
        return [entry for entry in self.board.ranked if entry.selectable]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of selection.

    Attributes:
        name: how it is called.
        description: what it does, in a sentence.
        columns: the columns of the runs table that it may see, beside the measures of the sweep's goals; it is handed
            these and a leaderboard made from no others, so that no rule can look at the test split.
        choose: the choice.
        least_seeds: how many ranking seeds it needs.
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
        return _best_mean(candidates)  # with one objective the front is its best
    points = [board.objectives.values(entry.measured) for entry in board.front]
    return board.front[knee(points, board.objectives.directions)]


def _lower_bound(candidates: Candidates) -> Entry:
    """The best worse end of the t interval of the mean: the low one where higher is better, else the high one.

    It prefers configurations whose seeds happen to agree: with three of them the spread, and with it the interval, is
    mostly luck.

    Raises:
        UserError: several configurations have one seed each, and so no interval.
    """
    return max(
        _with_spread(candidates, "lower_bound"),
        key=lambda entry: _worse_end(entry, candidates.board.objectives),
    )


def _one_standard_error(candidates: Candidates) -> Entry:
    """The smallest configuration within one standard error of the best one (Breiman et al., "Classification and
    regression trees", 1984, section 3.4.3).

    With the differences d_s = best_s - score_s on common seeds, positive where worse, a configuration is within it if

        mean(d) <= s_d / sqrt(n)

    The error is that of the difference: what a seed does to both alike says nothing about which is better. Small is the
    number of `parameters`; of equally small ones the better mean is taken. Where no searched parameter changes the size
    this is `best_mean`.

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
            f"rule {rule} needs at least two ranking seeds a configuration to see how much scores spread, and "
            f"{entries[0].label} has {len(entries[0].scores)}; raise seeds.confirm, or choose with rule best_mean"
        )
    return entries


def _worse_end(entry: Entry, objectives: Objectives) -> float:
    """Turned so that higher is better; of the only entry, which may have no interval, nothing."""
    interval = entry.interval
    if interval is None or interval.low is None or interval.high is None:
        return 0.0
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
                description="the best worse end of the 95% t interval of the mean validation score over the complete "
                "set of ranking seeds",
                columns=COLUMNS,
                choose=_lower_bound,
                least_seeds=2,
            ),
            Rule(
                name="one_standard_error",
                description="the fewest parameters within one standard error of the best mean validation score, the "
                "error being that of the difference on common ranking seeds",
                columns=(*COLUMNS, "parameters"),
                choose=_one_standard_error,
                least_seeds=2,
            ),
            Rule(
                name="knee",
                description="of the Pareto front of the objectives' means over the complete set of ranking seeds the "
                "point farthest beyond the line through its extremes, each objective scaled to its range on the front",
                columns=COLUMNS,
                choose=_knee,
            ),
        )
    }
)
