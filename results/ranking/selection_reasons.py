"""The reasons for a selection and its certainty, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from results.ranking.certainty import tied_sentence
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
    """The rule and the scores that it used, one sentence at a time.

    Args:
        rule: the rule that selected.
        entry: the selected configuration.
        board: the leaderboard that it was selected from.
        second: the next best configuration, and the difference of the selected one from it. None without one.
        fresh: the mean over seeds that the search did not use. None without one.
    """
    seeds = ", ".join(map(str, entry.scores))
    better = board.objectives.better
    yield f"rule {rule.name}: {rule.description}; only validation records were used"
    yield (
        f"configuration {entry.name} ({entry.config_id}) has validation {board.metric} {entry.interval} "
        f"over seeds {seeds} ({better} is better)"
    )
    candidates = "1 candidate" if len(board.ranked) == 1 else f"{len(board.ranked)} candidates"
    eliminated = f"{len(board.eliminated)} eliminated in the confirmation, " if board.eliminated else ""
    yield (
        f"{candidates} with complete seed sets compared; {eliminated}{len(board.incomplete)} incomplete, "
        f"{len(board.unconfirmed)} not confirmed"
    )
    yield from _objective_reasons(entry, board)
    yield "there is no runner-up" if second is None else _ahead_of(*second)
    if entry.fresh_interval is not None:
        unused = ", ".join(map(str, entry.fresh_scores))
        yield f"over the evaluation seeds {unused}, which no selection used, it has {entry.fresh_interval}"
        if entry.interval is not None:
            yield _on_new_seeds(
                fresh=entry.fresh_interval.mean, before=entry.interval.mean, when="when it was selected"
            )
    # Without confirm seeds the selection used the search's scores, so one sentence covers both.
    chosen_by_search = entry.interval is not None and entry.interval.mean == entry.search_mean
    if fresh is not None and entry.search_mean is not None and not chosen_by_search:
        yield _on_new_seeds(fresh=fresh.mean, before=entry.search_mean, when="in the search")


def certainty_reasons(tied: TiedSet | None, optimism: Optimism | None, board: Leaderboard) -> Iterator[str]:
    """The configurations that are tied with the best mean, and the optimism of this mean.

    Args:
        tied: the tied configurations. None: no sentence about them.
        optimism: the estimated optimism. None: no sentence about it.
        board: the leaderboard.
    """
    if tied is not None and len(board.ranked) > 1:
        yield tied_sentence(tied, board)
    if optimism is not None and optimism.optimism > 0.0:
        yield (
            f"its mean of {optimism.raw:.4f} is optimistic by about {optimism.optimism:.4f}, because it was used to "
            f"choose; {optimism.method}; corrected {optimism.corrected:.4f}"
        )
    elif optimism is not None:
        yield f"no sign that its mean is optimistic, {optimism.method}"


def joined(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _ahead_of(second: Entry, difference: PairedDifference) -> str:
    p_value = "" if difference.p_value is None else f", sign-flip p = {difference.p_value:.3g}"
    effect = "" if difference.effect_size is None else f", effect size {difference.effect_size:.2f}"
    return f"selected minus runner-up {second.name} on the same seeds: {difference.interval}{p_value}{effect}"


def _objective_reasons(entry: Entry, board: Leaderboard) -> Iterator[str]:
    if board.objectives.is_multi_objective:
        names = ", ".join(each.name for each in board.front)
        yield f"the Pareto front over {joined(o.measure for o in board.objectives.all)} contains {names}"
    if entry.measured:
        values = ", ".join(f"{measure} {value:.6g}" for measure, value in entry.measured.items())
        yield f"means of the selected configuration: {values}"
    for other in board.infeasible:
        yield f"{other.name} cannot be selected: {joined(other.violated)}"


def _on_new_seeds(*, fresh: float, before: float, when: str) -> str:
    change = f"{abs(fresh - before):.4f}"
    if float(change) == 0.0:
        return f"on new seeds it scores the same as {when}"
    return f"on new seeds it scores {change} {'higher' if fresh > before else 'lower'} than {when}"
