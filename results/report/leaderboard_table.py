"""The leaderboard as a table: the ranking, its seeds, and the configurations apart from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from results.ranking.certainty import tied_sentence, tied_with_best
from results.ranking.leaderboard import NOT_STARTED, Entry, Leaderboard, leaderboard
from results.ranking.unfinished import unfinished
from results.records.dataset import SweepResults
from results.report.table import Cell, Column, Table, four_decimals

MOST_SEED_COLUMNS = 8
"""With more seeds one column counts them."""


def leaderboard_table(results: SweepResults) -> Table:
    """The configurations of a sweep, group by group as `Leaderboard.entries`."""
    board = leaderboard(results.runs, results.manifest)
    seeds = ", ".join(map(str, board.seeds))
    title = f"{results.manifest.name}: mean validation {board.metric} over seeds {seeds}, "
    title += f"{board.objectives.better} is better"
    return Table(
        "leaderboard",
        "; ".join(filter(None, [title, unfinished(results)])),
        _columns(board),
        [_row(place, entry, board) for place, entry in _places(board)],
        tuple(_notes(board)) if board.entries else ("no run has been recorded yet",),
        labels=2,
    )


def _notes(board: Leaderboard) -> Iterator[str]:
    for name, text in board.objectives.described().items():
        yield f"{name}: {text}"
    for entry in board.entries:
        if entry.violated:
            yield f"{entry.label} violates a constraint: {', '.join(entry.violated)}"
    if board.incomplete:
        yield f"{len(board.incomplete)} with incomplete seed sets are not averaged and cannot be selected"
    tied = tied_with_best(board)
    if tied is not None and len(board.ranked) > 1:
        yield tied_sentence(tied, board)


def _columns(board: Leaderboard) -> list[Column]:
    many = len(board.seeds) > MOST_SEED_COLUMNS
    seeds = ["seeds"] if many else [f"seed {seed}" for seed in board.seeds]
    return [
        Column("", "place"),
        Column("configuration", "label"),
        Column(None, "config_id"),
        Column("mean [95% t interval]", "mean"),
        *(Column(heading, None, "right") for heading in seeds),
        Column(None, "scores"),
        Column(None, "missing"),
        *(Column(measure, align="right", form="{:.6g}".format) for measure in board.other_measures),
        *([Column("front", align="right")] if board.objectives.is_multi_objective else []),
        Column("search", align="right"),
        Column(None, "search_states"),
        *([Column("evaluation seeds", "fresh_mean")] if board.fresh_seeds else []),
    ]


def _places(board: Leaderboard) -> Iterator[tuple[int | str, Entry]]:
    yield from enumerate(board.ranked, start=1)
    yield from (("infeasible", entry) for entry in board.infeasible)
    for entry in board.eliminated:
        after = entry.eliminated_after or 0
        yield f"left after {after} seed{'' if after == 1 else 's'}", entry
    yield from (("contender", entry) for entry in board.contenders)
    yield from (("incomplete", entry) for entry in board.incomplete)
    yield from (("unconfirmed", entry) for entry in board.unconfirmed)


def _row(place: int | str, entry: Entry, board: Leaderboard) -> list[Any]:
    unfinished = [state.value for state in entry.search_states.values() if state.value != "finished"]
    search = "–" if entry.search_mean is None else four_decimals(entry.search_mean)
    return [
        place,
        Cell(entry.label, f"{entry.label} {entry.config_id[:8]}"),
        entry.config_id,
        entry.interval,
        *_seeds(entry, board),
        entry.scores,
        entry.missing,
        *(entry.measured.get(measure) for measure in board.other_measures),
        *([entry.front] if board.objectives.is_multi_objective else []),
        Cell(entry.search_mean, " ".join([search, *unfinished])),
        entry.search_states,
        *([entry.fresh_interval] if board.fresh_seeds else []),
    ]


def _seeds(entry: Entry, board: Leaderboard) -> list[Any]:
    """A score or why there is none, seed by seed; of too many seeds how many finished and why others did not."""
    if len(board.seeds) <= MOST_SEED_COLUMNS:
        return [entry.scores.get(seed, entry.missing.get(seed, "")) for seed in board.seeds]
    ends = Counter(why for why in entry.missing.values() if why != NOT_STARTED)
    return [", ".join([str(len(entry.scores)), *(f"{count} {why}" for why, count in ends.items())])]
