"""`causalmer results compare` and `table`: two sweeps side by side, and tables for a paper."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from causalmer_core.basics.errors import UserError, unknown_name
from causalmer_core.measures.metrics import better_word
from results.records.dataset import open_sweep
from results.report.comparison import Compared, Comparison, compare
from results.report.paper_table import FORMS, as_latex, as_markdown, paper_table
from results.statistics.intervals import Interval
from sweeps.cli.options import StorageOption, SweepArgument, named_sweep, put_out
from sweeps.cli.tables import console

OtherSweep = Annotated[str, typer.Argument(metavar="OTHER", help="Another sweep, likewise.")]
Metric = Annotated[
    str | None, typer.Option("--metric", help="Of the test split; default: the monitored one.")
]


def compare_two(
    sweep: SweepArgument,
    other: OtherSweep,
    metric: Metric = None,
    storage: StorageOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say everything as JSON.")] = False,
) -> None:
    """Hold what two sweeps on the same data have chosen against one another."""
    first, second = (open_sweep(named_sweep(name, storage)) for name in (sweep, other))
    found = compare(first, second, metric)
    if as_json:
        print(json.dumps(asdict(found), indent=2))
    else:
        _show(found)


def table(
    sweep: SweepArgument,
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMS)}.")] = "markdown",
    modalities: Annotated[
        bool, typer.Option("--modalities", help="One metric by the modalities present, not all metrics.")
    ] = False,
    metric: Annotated[
        str | None, typer.Option("--metric", help="With --modalities; default: the monitored one.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A file; default: standard output.")] = None,
    storage: StorageOption = None,
) -> None:
    """Write the final evaluation as a table for a paper: LaTeX (booktabs) or Markdown."""
    if form not in FORMS:
        raise unknown_name("--format", form, FORMS)
    if metric is not None and not modalities:
        raise UserError("--metric goes with --modalities; without it every metric has a column")
    made = paper_table(
        open_sweep(named_sweep(sweep, storage)), "modalities" if modalities else "metrics", metric
    )
    text = as_latex(made) if form == "latex" else as_markdown(made)
    if put_out(text, out):
        console().print(Text(f"written to {out}"))


def _show(found: Comparison) -> None:
    screen = console()
    one, other = found.names
    screen.print(
        Text(
            f"{one} and {other}: test {found.metric}; {better_word(found.direction)} validation scores are better"
        )
    )
    scores = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", one, other, "difference", "p (Holm)", "how"):
        scores.add_column(heading)
    for line in found.scores:
        scores.add_row(*map(Text, _cells(line)))
    screen.print(scores if found.scores else Text("neither has a score yet"))
    if found.settings:
        screen.print(Text("\nwhat differs in the selected configurations"))
        settings = Table(box=None, header_style="bold", pad_edge=False)
        for heading in ("setting", one, other):
            settings.add_column(heading)
        for path, values in found.settings.items():
            settings.add_row(*map(Text, (path, *map(_value, values))))
        screen.print(settings)
    costs = ", ".join(
        f"{name} {runs} runs finished, {timedelta(seconds=round(seconds))} of training"
        for name, (runs, seconds) in zip(found.names, found.costs, strict=True)
    )
    screen.print(Text(f"\ncost: {costs}"))
    for caution in found.method_warnings:
        screen.print(Text(f"note: {caution}"))


def _cells(line: Compared) -> list[str]:
    p_value = "–" if line.p_value is None else f"{line.p_value:.3g}"
    return [
        line.what,
        _interval(line.first),
        _interval(line.second),
        _interval(line.difference),
        p_value,
        line.how,
    ]


def _interval(interval: Interval | None) -> str:
    return "–" if interval is None else str(interval)


def _value(value: Any) -> str:
    return "–" if value is None else json.dumps(value)
