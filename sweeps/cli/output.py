"""Tables out: `--json` and `--csv` of every command that shows tables, and how the terminal draws them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from causalmer_core.basics.errors import UserError
from results.report.table import Cell, Table, as_csv, as_json
from results.statistics.intervals import Interval

_PIPE_WIDTH = 200
_GAP = 2


def _one_form(forms: list[bool] | None) -> list[bool] | None:
    if forms and len(set(forms)) > 1:
        raise UserError("--json and --csv: one command prints one form; given both; leave one of them out")
    return forms


Form = Annotated[
    list[bool] | None,
    typer.Option(
        "--json/--csv",
        metavar="",
        callback=_one_form,  # before the command does anything
        help="Print raw values: JSON, one object of all tables by name; or CSV, where several tables each follow a line "
        "'# NAME'.",
    ),
]


def console() -> Console:
    """Standard output; where it is no terminal, wide enough for most tables."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def messages(form: list[bool] | None) -> Console:
    """Where a command says other things than its tables: standard error, where programs read standard output."""
    return Console(stderr=True, highlight=False) if form else console()


def show(tables: Table | Sequence[Table], form: list[bool] | None = None) -> None:
    """Print the tables of a command.

    Args:
        tables: a sequence where the command can have several: then every table of its CSV follows a line with its name,
            however many there are this time.
        form: the value of the option `Form`; None or empty: for the terminal.
    """
    if form:
        print(data(tables, form), end="")
    else:
        console().print(Screen((tables,) if isinstance(tables, Table) else tables))


def data(tables: Table | Sequence[Table], form: list[bool]) -> str:
    """The raw values of tables in the form that was asked for."""
    several = (tables,) if isinstance(tables, Table) else tables
    if form[-1]:
        return as_json(several)
    if isinstance(tables, Table):
        return as_csv(tables)
    return "\n".join(f"# {table.name}\n{as_csv(table)}" for table in several)


@dataclass(frozen=True, slots=True)
class Screen:
    """Tables as the terminal draws them, one below the other.

    No number is cut: text is wrapped first, and a table that is still too wide is drawn in blocks of columns.
    """

    tables: Sequence[Table]

    def __rich_console__(self, screen: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for number, table in enumerate(self.tables):
            if not table.headings:
                continue
            if number and any(table.headings):  # a table without headings goes with the one before
                yield Text()
            if table.title:
                yield Text(table.title)
            for place, block in enumerate(_blocks(table, options.max_width) if table.rows else ()):
                if place:
                    yield Text()
                yield block
            yield from map(Text, table.notes)


def _blocks(table: Table, width: int) -> Iterator[RichTable]:
    """The table, or blocks of its columns that fit, each after the columns that name the rows."""
    cells = table.cells
    columns = [[row[place] for row in cells] for place in range(len(table.headings))]
    least = [_least(heading, column) for heading, column in zip(table.headings, columns, strict=True)]
    labels, others = list(range(table.labels)), list(range(table.labels, len(columns)))
    # Words of names may be folded, so that the widest number still fits beside them.
    room = width - max((least[place] for place in others), default=0) - _GAP * len(labels)
    for place in labels:
        least[place] = min(least[place], max(room // len(labels), 8))
    block: list[int] = []
    for place in others:
        if block and sum(least[p] + _GAP for p in (*labels, *block, place)) - _GAP > width:
            yield _drawn(table, cells, [*labels, *block], least, width)
            block = []
        block.append(place)
    yield _drawn(table, cells, [*labels, *block], least, width)


def _least(heading: str, column: Sequence[Cell]) -> int:
    """The width below which a number or a word would be cut."""
    numbers = [cell.text for cell in column if isinstance(cell.value, int | float | Interval)]
    words = [word for text in (heading, *(cell.text for cell in column)) for word in text.split()]
    return max(map(cell_len, [*words, *numbers]), default=0)


def _drawn(
    table: Table, cells: Sequence[Sequence[Cell]], places: Sequence[int], least: Sequence[int], width: int
) -> RichTable:
    texts = {p: [table.headings[p], *(row[p].text for row in cells)] for p in places}
    widths = {
        p: max(cell_len(line) for text in texts[p] for line in text.splitlines() or [""]) for p in places
    }
    room = width - _GAP * (len(places) - 1)
    while sum(widths.values()) > room:
        wide = [p for p in places if widths[p] > least[p]] or places
        widths[max(wide, key=widths.__getitem__)] -= 1
    has_headings = any(table.headings)
    drawn = RichTable(box=None, header_style="bold", pad_edge=False, show_header=has_headings)
    for p in places:
        bold = "bold" if p == 0 and len(places) > 1 and not has_headings else ""
        column = table.shown_columns[p]
        drawn.add_column(Text(column.heading or ""), justify=column.align, style=bold, width=widths[p])
    for row in cells:
        drawn.add_row(*(Text(row[p].text, style="bold" if row[p].strong else "") for p in places))
    return drawn
