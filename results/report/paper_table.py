"""Tables of the final evaluation in a paper's form: a row a contender, mean and standard deviation over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pandas as pd

from causalmer_core.basics.errors import UserError
from causalmer_core.measures.metrics import Direction, metric_direction, oriented
from results.evaluation.evaluation_table import (
    PRESENT,
    SUBSET_NAMES,
    Contender,
    as_configured,
    evaluated_contenders,
    labels,
)
from results.records.dataset import SweepResults
from results.statistics.intervals import Interval

Columns = Literal["metrics", "modalities"]
Form = Literal["markdown", "latex"]
FORMS = get_args(Form)


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table of text.

    Attributes:
        cells: a row a contender, a column a metric or a set of modalities.
        best: the same shape: whether a cell has its column's best mean. It says nothing of whether it can be told
            from the next.
        caption: what the table shows, in a sentence.
    """

    cells: pd.DataFrame
    best: pd.DataFrame
    caption: str


def paper_table(results: SweepResults, columns: Columns = "metrics", metric: str | None = None) -> PaperTable:
    """The numbers of the test split, `mean ± standard deviation`; of a single value the value alone.

    Args:
        results: the sweep.
        columns: all metrics with all modalities present; or one metric by the modalities present.
        metric: that one; by default the monitored.

    Raises:
        UserError: nothing was evaluated yet, or there is no such metric.
    """
    manifest = results.manifest
    found = as_configured(evaluated_contenders(results.evaluations, manifest.metrics))
    if not found:
        raise UserError(
            f"{manifest.name} has no final evaluation yet; 'causalmer results evaluate {manifest.name}' opens the test "
            "split once, after the selection"
        )
    chosen = metric or manifest.monitor
    if chosen not in manifest.metrics:
        raise UserError(f"--metric {chosen}: no metric of this sweep; allowed {', '.join(manifest.metrics)}")
    if columns == "metrics":
        intervals = {name: [one.interval(name) for one in found] for name in manifest.metrics}
        directions = {name: metric_direction(name) for name in manifest.metrics}
        about = "all modalities present"
    else:
        intervals = {SUBSET_NAMES[p]: [one.interval(chosen, p) for one in found] for p in PRESENT}
        directions = dict.fromkeys(intervals, metric_direction(chosen))
        about = f"{chosen} by the modalities present"
    rows = labels(found)
    return PaperTable(
        pd.DataFrame({name: [_cell(i) for i in column] for name, column in intervals.items()}, index=rows),
        pd.DataFrame(
            {name: _best(column, directions[name]) for name, column in intervals.items()}, index=rows
        ),
        f"Test split of {manifest.dataset}, {about}; mean and standard deviation over {_seeds(found)}. "
        "The best mean of a column is bold.",
    )


def as_markdown(table: PaperTable) -> str:
    """The table in the pipe form that GitHub and pandoc read."""
    rows = [["", *table.cells.columns], ["---", *["---:"] * len(table.cells.columns)]]
    for label in table.cells.index:
        marked = zip(table.cells.loc[label], table.best.loc[label], strict=True)
        rows.append([label, *(f"**{cell}**" if best else cell for cell, best in marked)])
    lines = ["| " + " | ".join(_piped(cell) for cell in row) + " |" for row in rows]
    return "\n".join([*lines, "", table.caption, ""])


def as_latex(table: PaperTable) -> str:
    """The table as a float for the package `booktabs`; every text is escaped."""
    styled = table.cells.replace("±", "PLUSMINUS", regex=True).style
    styled = (
        styled.format(escape="latex")
        .format_index(escape="latex", axis=0)
        .format_index(escape="latex", axis=1)
    )
    styled = styled.apply(lambda _: table.best.map(lambda best: "textbf:--rwrap;" if best else ""), axis=None)
    text: str = styled.to_latex(
        hrules=True,
        column_format="l" + "r" * len(table.cells.columns),
        caption=_latex_text(table.caption),
        position="t",
        position_float="centering",
    )
    return text.replace("PLUSMINUS", "$\\pm$")


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    return f"{interval.mean:z.4f}" if interval.std is None else f"{interval.mean:z.4f} ± {interval.std:z.4f}"


def _best(column: Sequence[Interval | None], direction: Direction) -> list[bool]:
    means = [round(interval.mean, 4) for interval in column if interval is not None]
    best = max(means, key=lambda mean: oriented(mean, direction), default=None)
    return [interval is not None and round(interval.mean, 4) == best for interval in column]


def _seeds(found: Sequence[Contender]) -> str:
    seeds = sorted({seed for one in found for values in one.values.values() for seed in values if seed >= 0})
    return f"seeds {', '.join(map(str, seeds))}" if seeds else "no seeds"


def _piped(text: object) -> str:
    return str(text).replace("\\", "\\\\").replace("|", "\\|")


_LATEX: Mapping[str, str] = {
    "&": "\\&",
    "%": "\\%",
    "$": "\\$",
    "#": "\\#",
    "_": "\\_",
    "{": "\\{",
    "}": "\\}",
}


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)
