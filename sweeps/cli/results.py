"""`causalmer results`: look at a sweep's records, select, report, export."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from causalmer_core.errors import UserError
from results.best_yaml import write_best_yaml
from results.dataset import DEFAULT_STORAGE, find_sweep, open_sweep
from results.files import write_text
from results.layout import TABLES
from results.leaderboard import Entry, Leaderboard
from results.leaderboard import leaderboard as rank
from results.report import write_report
from results.selection import RULES, Selection
from results.selection import select as select_best

app = typer.Typer(help="Rank, select, report and export what a sweep recorded.", no_args_is_help=True)

SweepArgument = Annotated[
    str, typer.Argument(metavar="SWEEP", help="A sweep's folder, or its name in the storage.")
]
StorageOption = Annotated[Path, typer.Option("--storage", help="Where sweeps lie.")]
DEFAULT = Path(DEFAULT_STORAGE)
_PIPE_WIDTH = 200
"""Columns where the output is no terminal: wide enough that no cell is cut."""


@app.command()
def leaderboard(sweep: SweepArgument, storage: StorageOption = DEFAULT) -> None:
    """Rank the configurations by mean validation score over complete sets of seeds."""
    results = open_sweep(find_sweep(sweep, storage))
    board = rank(results.runs, results.manifest)
    better = "higher" if board.direction == "max" else "lower"
    console = _console()
    name, seeds = results.manifest.name, _list(board.seeds)
    console.print(Text(f"{name}: mean validation {board.metric} over seeds {seeds}, {better} is better"))
    if not board.entries:
        console.print("no run has been recorded yet")
        return
    console.print(_table(board))
    if board.incomplete:
        console.print(
            f"{len(board.incomplete)} with incomplete seed sets are not averaged and cannot be selected"
        )


@app.command()
def select(
    sweep: SweepArgument,
    rule: Annotated[str, typer.Option("--rule", help=f"How to choose: {', '.join(RULES)}.")] = "best_mean",
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write the configuration as a sweep YAML.")
    ] = None,
    storage: StorageOption = DEFAULT,
) -> None:
    """Choose a configuration by validation records alone, and say why."""
    results = open_sweep(find_sweep(sweep, storage))
    chosen = select_best(results, rule)
    console = _console()
    _say_why(console, chosen)
    console.print(Text(f"written to {results.layout.selection}"))
    if out is not None:
        write_best_yaml(results, chosen, out)
        console.print(Text(f"written to {out}"))


@app.command()
def report(
    sweep: SweepArgument,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; by default report.html in the sweep.")
    ] = None,
    storage: StorageOption = DEFAULT,
) -> None:
    """Write the report, one self-contained HTML page."""
    layout = find_sweep(sweep, storage)
    try:
        path = write_report(layout, out)
    except OSError as error:
        raise _unwritable(out or layout.report, error) from error
    _console().print(Text(f"written to {path}"))


@app.command()
def export(
    sweep: SweepArgument,
    out: Annotated[
        Path, typer.Option("--out", help="A folder for epochs.csv, runs.csv and evaluations.csv.")
    ],
    storage: StorageOption = DEFAULT,
) -> None:
    """Write the tables as CSV."""
    results = open_sweep(find_sweep(sweep, storage))
    console = _console()
    for name in TABLES:
        path = out / f"{name}.csv"
        frame = getattr(results, name)
        try:
            write_text(path, frame.to_csv(index=False))
        except OSError as error:
            raise _unwritable(path, error) from error
        console.print(Text(f"{path}: {len(frame)} rows"))


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def _table(board: Leaderboard) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", "configuration", "mean [95% t interval]"):
        table.add_column(heading)
    for seed in board.seeds:
        table.add_column(f"seed {seed}", justify="right")
    table.add_column("search", justify="right")
    for rank_number, entry in enumerate(board.ranked, start=1):
        _add(table, str(rank_number), entry, board)
    for title, entries in (
        ("contender", board.contenders),
        ("incomplete", board.incomplete),
        ("unconfirmed", board.unconfirmed),
    ):
        for entry in entries:
            _add(table, title, entry, board)
    return table


def _add(table: Table, place: str, entry: Entry, board: Leaderboard) -> None:
    seeds = (
        f"{entry.scores[seed]:.4f}" if seed in entry.scores else entry.missing[seed] for seed in board.seeds
    )
    mean = "–" if entry.interval is None else str(entry.interval)
    cells = (place, f"{entry.label} {entry.config_id[:8]}", mean, *seeds, _search(entry))
    table.add_row(*map(Text, cells))


def _search(entry: Entry) -> str:
    score = "–" if entry.search_mean is None else f"{entry.search_mean:.4f}"
    states = [state.value for state in entry.search_states.values() if state.value != "finished"]
    return " ".join([score, *states])


def _say_why(console: Console, chosen: Selection) -> None:
    name = f"#{chosen.number}" if chosen.number is not None else chosen.config_id
    console.print(Text(f"selected {name}: mean validation {chosen.metric} {chosen.interval}", style="bold"))
    for reason in chosen.reasons:
        console.print(Text(f"- {reason}"))


def _list(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"cannot write {path}: {error.strerror or error}; choose another place with --out")
