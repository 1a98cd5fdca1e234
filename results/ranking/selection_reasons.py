"""Why a configuration was selected and how sure that is, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from results.ranking.certainty import overstated_by, tied_sentence
from results.ranking.leaderboard import Entry, Leaderboard
from results.ranking.selection_rules import Rule
from results.statistics.intervals import Interval, PairedDifference
from results.statistics.optimism import Optimism
from results.statistics.tied_set import TiedSet


def reasons_for(
    rule: Rule,
    entry: Entry,
    board: Leaderboard,
    second: tuple[Entry, PairedDifference] | None,
    fresh: Interval | None,
) -> Iterator[str]:
    """What the rule did and on which scores.

    Args:
        rule: that chose.
        entry: the selected configuration.
        board: what it was chosen from.
        second: the next best configuration, and the selected one minus it.
        fresh: the mean over seeds that had no part in what the search saw.
    """
    seeds = ", ".join(map(str, entry.scores))
    better = board.objectives.better
    yield f"rule {rule.name}: {rule.description}; it saw validation records only"
    yield (
        f"configuration {entry.name} ({entry.config_id}) has validation {board.metric} {entry.interval} "
        f"over seeds {seeds} ({better} is better)"
    )
    yield (
        f"{_count(len(board.ranked), 'candidate')} with complete seed sets compared, {_left(board)}"
        f"{len(board.incomplete)} left out as incomplete, {len(board.unconfirmed)} not confirmed"
    )
    yield from _goal_reasons(entry, board)
    yield "there is no runner-up" if second is None else _ahead_of(*second)
    if entry.fresh_interval is not None:
        unseen = ", ".join(map(str, entry.fresh_scores))
        yield f"over seeds {unseen}, which no selection saw, it has {entry.fresh_interval}"
        if entry.interval is not None:
            yield _overstated("the selection", entry.interval.mean, entry.fresh_interval, board)
    chosen_by_search = entry.interval is not None and entry.interval.mean == entry.search_mean
    if fresh is not None and entry.search_mean is not None and not chosen_by_search:
        yield _overstated("the search", entry.search_mean, fresh, board)


def certainty_reasons(tied: TiedSet | None, optimism: Optimism | None, board: Leaderboard) -> Iterator[str]:
    """Who is tied with the best mean, and how far that is overstated for having been chosen."""
    if tied is not None and len(board.ranked) > 1:
        yield tied_sentence(tied, board)
    if optimism is not None and optimism.optimism > 0.0:
        yield (
            f"its mean of {optimism.raw:.4f} is overstated by about {optimism.optimism:.4f} for having been chosen, "
            f"{optimism.method}; corrected {optimism.corrected:.4f}"
        )
    elif optimism is not None:
        yield f"no sign that its mean is overstated for having been chosen, {optimism.method}"


def joined(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _ahead_of(second: Entry, difference: PairedDifference) -> str:
    p_value = "" if difference.p_value is None else f", sign-flip p = {difference.p_value:.3g}"
    effect = "" if difference.effect_size is None else f", effect size {difference.effect_size:.2f}"
    return f"selected minus runner-up {second.name} on the same seeds: {difference.interval}{p_value}{effect}"


def _goal_reasons(entry: Entry, board: Leaderboard) -> Iterator[str]:
    """What the objectives and constraints have to do with it; nothing where there are none."""
    if board.objectives.is_multi_objective:
        names = ", ".join(each.name for each in board.front)
        yield f"the Pareto front over {joined(o.measure for o in board.objectives.all)} holds {names}"
    if entry.measured:
        values = ", ".join(f"{measure} {value:.6g}" for measure, value in entry.measured.items())
        yield f"means of the selected one: {values}"
    for other in board.infeasible:
        yield f"{other.name} is not selectable: {joined(other.violated)}"


def _overstated(who: str, score: float, fresh: Interval, board: Leaderboard) -> str:
    gap = overstated_by(score, fresh, board) or 0.0
    return f"{who} had {'overstated' if gap > 0 else 'understated'} it by {abs(gap):.4f}"


def _left(board: Leaderboard) -> str:
    return f"{len(board.eliminated)} left the confirmation before, " if board.eliminated else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
