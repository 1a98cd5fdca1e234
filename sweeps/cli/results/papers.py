"""`causalmer results compare` and `table`: two sweeps side by side, and tables for a paper."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from causalmer_core.basics.errors import UserError, unknown_name
from causalmer_core.measures.metrics import better_word
from results.records.dataset import open_sweep
from results.report.comparison import Comparison, compare
from results.report.paper_table import paper_table
from results.report.table import Column, Table, as_latex, as_markdown
from sweeps.cli.options import StorageOption, SweepArgument, named_sweep, put_out
from sweeps.cli.output import Form, console, data, show

FORMS = {"markdown": as_markdown, "latex": as_latex}

OtherSweep = Annotated[str, typer.Argument(metavar="OTHER", help="Another sweep, likewise.")]
Metric = Annotated[
    str | None, typer.Option("--metric", help="Of the test split; default: the monitored one.")
]


def compare_two(
    sweep: SweepArgument,
    other: OtherSweep,
    metric: Metric = None,
    storage: StorageOption = None,
    form: Form = None,
) -> None:
    """Hold what two sweeps on the same data have chosen against one another."""
    first, second = (open_sweep(named_sweep(name, storage)) for name in (sweep, other))
    show(_comparison(compare(first, second, metric)), form)


def table(
    sweep: SweepArgument,
    format_: Annotated[
        str | None, typer.Option("--format", help=f"One of {', '.join(FORMS)}; default: markdown.")
    ] = None,
    modalities: Annotated[
        bool, typer.Option("--modalities", help="One metric by the modalities present, not all metrics.")
    ] = False,
    metric: Annotated[
        str | None, typer.Option("--metric", help="With --modalities; default: the monitored one.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="A file; default: standard output.")] = None,
    storage: StorageOption = None,
    form: Form = None,
) -> None:
    """Write the final evaluation as a table for a paper: LaTeX (booktabs) or Markdown."""
    if format_ is not None and form:
        raise UserError(f"--format {format_} goes without --json and --csv; leave one of them out")
    if format_ is not None and format_ not in FORMS:
        raise unknown_name("--format", format_, FORMS)
    if metric is not None and not modalities:
        raise UserError("--metric goes with --modalities; without it every metric has a column")
    made = paper_table(
        open_sweep(named_sweep(sweep, storage)), "modalities" if modalities else "metrics", metric
    )
    text = data(made, form) if form else FORMS[format_ or "markdown"](made)
    if put_out(text, out):
        console().print(Text(f"written to {out}"))


def _comparison(found: Comparison) -> list[Table]:
    one, other = found.names
    scores = Table(
        "scores",
        f"{one} and {other}: test {found.metric}; {better_word(found.direction)} validation scores are better",
        (
            Column("", "score"),
            Column(one, "first"),
            Column(other, "second"),
            Column("difference"),
            Column("p (Holm)", "p_value", form="{:.3g}".format),
            Column("how"),
        ),
        [
            (line.what, line.first, line.second, line.difference, line.p_value, line.how)
            for line in found.scores
        ],
        () if found.scores else ("neither has a score yet",),
    )
    settings = Table(
        "settings",
        "what differs in the selected configurations",
        (Column("setting"), Column(one, "first", form=json.dumps), Column(other, "second", form=json.dumps)),
        [(path, *values) for path, values in found.settings.items()],
    )
    costs = Table(
        "costs",
        "cost",
        (
            Column("sweep"),
            Column("runs finished", "runs_finished", "right"),
            Column(
                "time of training",
                "training_seconds",
                "right",
                lambda seconds: str(timedelta(seconds=round(seconds))),
            ),
        ),
        [(name, *cost) for name, cost in zip(found.names, found.costs, strict=True)],
        [f"note: {warning}" for warning in found.method_warnings],
    )
    return [scores, *([settings] if settings.rows else []), costs]
