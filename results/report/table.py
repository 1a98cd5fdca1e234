"""A table as one value, and its renderings as text: Markdown, LaTeX, CSV and JSON.

Readers see texts of a few digits, programs the raw values. `sweeps.cli.output` draws a table in the terminal, and the
templates of the report draw it as HTML.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from typing import Any, Literal

from results.statistics.intervals import Interval

DASH = "–"


def four_decimals(value: Any) -> str:
    """A metric with four decimals; any other value by `str`."""
    return f"{value:z.4f}" if isinstance(value, float) else str(value)


def mean_alone(interval: Interval) -> str:
    """The mean without the ends of its interval."""
    return f"{interval.mean:z.4f}"


def mean_with_ends(interval: Interval) -> str:
    """The mean with the ends of its interval, where it has ends."""
    return mean_alone(interval) if interval.low is None else str(interval)


def mean_with_deviation(interval: Interval) -> str:
    """The mean ± the standard deviation, where there is a deviation."""
    return mean_alone(interval) if interval.std is None else f"{interval.mean:z.4f} ± {interval.std:z.4f}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        heading: the heading for readers; None: only programs get the column.
        key: the name in JSON and CSV, by default the heading; None: only readers get the column.
        align: the side on which texts are aligned.
        form: makes the text of a value; the text of None is always an en dash.
        once: show a text that repeats the row above only in its first row.
    """

    heading: str | None
    key: str | None = ""
    align: Literal["left", "right"] = "left"
    form: Callable[[Any], str] = four_decimals
    once: bool = False

    @property
    def name(self) -> str | None:
        """The name in JSON and CSV."""
        return self.heading if self.key == "" else self.key


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with a text of its own, in place of the text that its column makes.

    Attributes:
        value: the raw value, for programs.
        text: the text for readers.
        strong: whether the text is bold.
    """

    value: Any
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table for readers and for programs.

    Attributes:
        name: the name in JSON and CSV.
        title: a sentence above the table; empty: no title.
        columns: the columns in order.
        rows: for each row, a value or a `Cell` per column.
        notes: sentences below the table.
        labels: how many of the first shown columns name a row. A table too wide for a screen is split into blocks that
            repeat them.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    notes: Sequence[str] = ()
    labels: int = 1

    @property
    def shown_columns(self) -> list[Column]:
        """The columns that readers see."""
        return [column for column in self.columns if column.heading is not None]

    @property
    def headings(self) -> list[str]:
        """The headings that readers see."""
        return [column.heading for column in self.columns if column.heading is not None]

    @property
    def cells(self) -> list[list[Cell]]:
        """The cells that readers see, row by row; an unchanged cell of a column with `once` has no text."""
        found: list[list[Cell]] = []
        above = [""] * len(self.columns)
        for row in self.rows:
            whole = [_cell(column, value) for column, value in zip(self.columns, row, strict=True)]
            texts = [cell.text for cell in whole]
            line: list[Cell] = []
            same = True
            for place, (column, cell) in enumerate(zip(self.columns, whole, strict=True)):
                # A repeated text to the right of a changed one belongs to the new group: it is shown again.
                same = same and (not column.once or texts[place] == above[place])
                if column.heading is not None:
                    line.append(Cell(cell.value, "") if column.once and same and found else cell)
            found.append(line)
            above = texts
        return found

    @property
    def records(self) -> list[dict[str, Any]]:
        """The raw values by the columns' names, row by row, in the types of JSON."""
        return [
            {
                column.name: _plain(value)
                for column, value in zip(self.columns, row, strict=True)
                if column.name
            }
            for row in self.rows
        ]


def facts(name: str, title: str, lines: Sequence[tuple[Any, ...]], notes: Sequence[str] = ()) -> Table:
    """A table of facts without headings: a name and a text per row.

    Args:
        name, title, notes: as in `Table`.
        lines: for each row the name, the text and, where the text holds a number, its raw value.
    """
    columns = (Column("", "name"), Column("", "text"), Column(None, "value"))
    return Table(name, title, columns, [(*line, None)[:3] for line in lines], notes)


def as_json(tables: Sequence[Table]) -> str:
    """One object: the rows of each table by its name, and under `notes` the sentences around them."""
    notes = [text for table in tables for text in (table.title, *table.notes) if text]
    return json.dumps({**{table.name: table.records for table in tables}, "notes": notes}, indent=2) + "\n"


def as_csv(table: Table) -> str:
    """The raw values under one line of names; the parts of a value have columns of their own, as `mean.low`."""
    names: dict[str, None] = {}
    records = table.records
    lines: list[dict[str, Any]] = [{} for _ in records]
    for column in (column.name for column in table.columns if column.name):
        parts = [_flat(column, record[column]) for record in records]
        names |= dict.fromkeys(name for part in parts for name in part) or {column: None}
        lines = [line | part for line, part in zip(lines, parts, strict=True)]
    written = io.StringIO()
    writer = csv.DictWriter(written, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return written.getvalue()


def as_markdown(table: Table) -> str:
    """The table in the pipe form that GitHub and pandoc read; the title is a paragraph below."""
    rules = ["---:" if column.align == "right" else "---" for column in table.shown_columns]
    rows = [[f"**{cell.text}**" if cell.strong else cell.text for cell in row] for row in table.cells]
    lines = [
        "| " + " | ".join(text.replace("\\", "\\\\").replace("|", "\\|") for text in row) + " |"
        for row in [table.headings, rules, *rows]
    ]
    return "\n".join([*lines, *(f"\n{text}" for text in (table.title, *table.notes)), ""])


def as_latex(table: Table) -> str:
    """The table as a float for the package `booktabs`; every text is escaped."""
    rows = [
        [f"\\textbf{{{_latex(cell.text)}}}" if cell.strong else _latex(cell.text) for cell in row]
        for row in table.cells
    ]
    return "\n".join(
        [
            "\\begin{table}[t]",
            "\\centering",
            f"\\caption{{{_latex(' '.join([table.title, *table.notes]))}}}",
            f"\\begin{{tabular}}{{{''.join(column.align[0] for column in table.shown_columns)}}}",
            "\\toprule",
            " & ".join(map(_latex, table.headings)) + " \\\\",
            "\\midrule",
            *(" & ".join(row) + " \\\\" for row in rows),
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


def _cell(column: Column, value: Any) -> Cell:
    if isinstance(value, Cell):
        return value
    return Cell(value, DASH if value is None else column.form(value))


def _plain(value: Any) -> Any:
    """A value in the types of JSON, which has no NaN and no infinity."""
    if isinstance(value, Cell):
        return _plain(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "item"):  # a number of NumPy's
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def _flat(name: str, value: Any) -> dict[str, Any]:
    """The parts of a value by dotted names; nothing for None."""
    if isinstance(value, dict):
        return {
            key: part for inner, item in value.items() for key, part in _flat(f"{name}.{inner}", item).items()
        }
    if value is None:
        return {}
    return {name: json.dumps(value) if isinstance(value, list) else value}


_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "±": "$\\pm$",
    DASH: "--",
}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)
