"""How commands show tables: drawn in the terminal, as JSON, or as CSV."""

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
        raise UserError("--json and --csv: a command prints one form; given both; leave one of them out")
    return forms


Form = Annotated[
    list[bool] | None,
    typer.Option(
        "--json/--csv",
        metavar="",
        callback=_one_form,  # before the command does anything
        help="Print raw values: JSON, one object of all tables by name; or CSV, with a line '# NAME' before each of "
        "several tables.",
    ),
]


def console() -> Console:
    """Standard output. If it is not a terminal, its width fits most tables."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


def messages(form: list[bool] | None) -> Console:
    """The console for lines that belong to no table: standard error if programs read standard output."""
    return Console(stderr=True, highlight=False) if form else console()


def show(tables: Table | Sequence[Table], form: list[bool] | None = None) -> None:
    """Print the tables of a command.

    Args:
        tables: one table, or a sequence if the command can have several. In the CSV of a sequence, a line with its name
            precedes every table, also a single one.
        form: the value of the option `Form`; None or empty: the terminal.
    """
    if form:
        print(data(tables, form), end="")
    else:
        console().print(Screen((tables,) if isinstance(tables, Table) else tables))


def data(tables: Table | Sequence[Table], form: list[bool]) -> str:
    """The raw values of tables as JSON or CSV."""
    several = (tables,) if isinstance(tables, Table) else tables
    if form[-1]:
        return as_json(several)
    if isinstance(tables, Table):
        return as_csv(tables)
    return "\n".join(f"# {table.name}\n{as_csv(table)}" for table in several)


@dataclass(frozen=True, slots=True)
class Screen:
    """Tables as the terminal draws them, one below the other.

    No number is cut. Text is wrapped first; a table that is still too wide is drawn in blocks of columns.
    """

    tables: Sequence[Table]

    def __rich_console__(self, screen: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        for number, table in enumerate(self.tables):
            if not table.headings:
                continue
            if number and any(table.headings):  # facts belong to the table before them
                yield Text()
            if table.title:
                yield Text(table.title)
            for place, block in enumerate(_blocks(table, options.max_width) if table.rows else ()):
                if place:
                    yield Text()
                yield block
            yield from map(Text, table.notes)


def _blocks(table: Table, width: int) -> Iterator[RichTable]:
    """The table, or blocks of its columns that fit. Each block begins with the columns that name the rows."""
    cells, labels = table.cells, range(table.labels)
    columns = [[row[place] for row in cells] for place in range(len(table.headings))]
    whole = [
        max(
            cell_len(line) for text in (heading, *(cell.text for cell in column)) for line in text.split("\n")
        )
        for heading, column in zip(table.headings, columns, strict=True)
    ]
    least = [_least(heading, column, width) for heading, column in zip(table.headings, columns, strict=True)]
    # A row is easier to read where its name is on one line; the widest number has to fit beside the name.
    room = width - max(least[table.labels :], default=0) - _GAP * table.labels
    least[: table.labels] = [min(whole[place], max(room // table.labels, 1)) for place in labels]
    block = [*labels]
    for place in range(table.labels, len(columns)):
        if len(block) > table.labels and sum(least[p] + _GAP for p in (*block, place)) - _GAP > width:
            yield _drawn(table, cells, {p: whole[p] for p in block}, least, width)
            block = [*labels]
        block.append(place)
    yield _drawn(table, cells, {p: whole[p] for p in block}, least, width)


def _least(heading: str, column: Sequence[Cell], width: int) -> int:
    """The width below which a number or a word would be cut; at most half the screen for long words such as paths."""
    numbers = [cell_len(cell.text) for cell in column if isinstance(cell.value, int | float | Interval)]
    words = [cell_len(word) for text in (heading, *(cell.text for cell in column)) for word in text.split()]
    return max([*numbers, min(max(words, default=0), width // 2)])


def _drawn(
    table: Table, cells: Sequence[Sequence[Cell]], widths: dict[int, int], least: Sequence[int], width: int
) -> RichTable:
    """Some columns of a table, the widest made narrower until all fit."""
    while sum(widths.values()) + _GAP * (len(widths) - 1) > width:
        wide = [place for place in widths if widths[place] > least[place]] or list(widths)
        widths[max(wide, key=widths.__getitem__)] -= 1
    has_headings = any(table.headings)
    drawn = RichTable(box=None, header_style="bold", pad_edge=False, show_header=has_headings)
    for place, wide_as in widths.items():
        column = table.shown_columns[place]
        style = "bold" if place == 0 and len(widths) > 1 and not has_headings else ""
        drawn.add_column(Text(column.heading or ""), justify=column.align, style=style, width=wide_as)
    for row in cells:
        drawn.add_row(*(Text(row[p].text, style="bold" if row[p].strong else "") for p in widths))
    return drawn
