"""The rules of selection: each says which columns of the runs table it may see, none of them of the test split.

Every rule chooses among the configurations with complete seed sets that violate no constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from results.leaderboard import COLUMNS, Entry, Leaderboard
from results.pareto import knee


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of selection.

    Attributes:
        name: how it is called.
        description: what it does, in a sentence.
        columns: the columns of the runs table that it may see, beside the measures of the sweep's goals; it is handed
            a leaderboard made from no others, so that no rule can look at the test split.
        choose: the choice among selectable entries, of which there is at least one.
    """

    name: str
    description: str
    columns: tuple[str, ...]
    choose: Callable[[Leaderboard], Entry]


def _best_mean(board: Leaderboard) -> Entry:
    return next(entry for entry in board.ranked if entry.selectable)


def _knee(board: Leaderboard) -> Entry:
    if not board.goals.several:
        return _best_mean(board)  # with one objective the front is its best
    points = [board.goals.values(entry.measured) for entry in board.front]
    return board.front[knee(points, board.goals.directions)]


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
                name="knee",
                description="of the Pareto front of the objectives' means over the complete set of ranking seeds the "
                "point farthest beyond the line through its extremes, each objective scaled to its range on the front",
                columns=COLUMNS,
                choose=_knee,
            ),
        )
    }
)
