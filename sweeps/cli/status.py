"""`causalmer status`: how far a sweep is, from its records alone; works while it runs, from any process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from results.records.histories import RunHistory, read_runs
from results.records.journal import read_journal
from results.records.layout import SweepLayout
from results.records.manifest import read_sweep_manifest
from results.records.objectives import Objectives
from sweeps.cli.options import StorageOption, SweepArgument, named_sweep
from sweeps.cli.tables import console
from sweeps.jobs.evaluate import PHASES
from sweeps.jobs.search import cut_of
from sweeps.progress import status_text as words
from sweeps.progress.counters import WINDOW_SECONDS
from sweeps.progress.leader import BestSoFar
from sweeps.search.budget import device_hours, spans_of, wall_hours
from sweeps.spec.sections import BudgetSection
from sweeps.spec.sweep_spec import load_stored_spec


def status(
    sweep: SweepArgument,
    storage: StorageOption = None,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch", min=0.1, metavar="SECONDS", help="Show it anew so often, until the sweep stops."
        ),
    ] = None,
) -> None:
    """Show how far a sweep is, from its records alone; works while it runs."""
    layout = named_sweep(sweep, storage)
    screen = console()
    if watch is None:
        screen.print(status_of(layout))
        return
    with Live(status_of(layout), console=screen, auto_refresh=False) as live:
        while layout.is_driven:
            time.sleep(watch)
            live.update(status_of(layout), refresh=True)


def status_of(layout: SweepLayout, now: datetime | None = None) -> RenderableType:
    """Runs by how they stand in each phase, the leader, the pace, and what the budget has left.

    Args:
        layout: the sweep's folder.
        now: the time; none: the clock's.
    """
    layout.store.pull_records()
    manifest, runs = read_sweep_manifest(layout), read_runs(layout)
    best = BestSoFar(manifest.objectives)
    for run in runs:
        best.add(run)
    leader, cut = best.leader(), cut_of(read_journal(layout.proposals))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_row("driver", _driver(layout, runs, now or datetime.now(UTC)))
    facts.add_row("runs", words.run_ends(Counter(run.state for run in runs if run.state.is_final)))
    facts.add_row("best so far", "–" if leader is None else str(leader))
    facts.add_row("pace", _pace(runs, now or datetime.now(UTC)))
    for name, text in manifest.objectives.described().items():
        facts.add_row(name, text)
    budget = (
        load_stored_spec(layout.spec).budget if layout.spec.exists() else BudgetSection()
    )  # else records alone
    for line in _budget(budget, runs):
        facts.add_row("budget", line)
    if cut:
        facts.add_row("search", f"cut by budget after {cut['number']} proposals; {cut['reason']}")
    if not runs:
        return Group(Text(manifest.sweep_id), Text("no run has been recorded yet"), facts)
    return Group(Text(manifest.sweep_id), _phases(runs, manifest.objectives), facts)


def _phases(runs: Sequence[RunHistory], objectives: Objectives) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("phase", "runs", "states", "epochs", "best score"):
        table.add_column(heading)
    for phase in PHASES:
        group = [run for run in runs if run.phase == phase]
        if not group:
            continue
        states = Counter(run.state.value for run in group)
        told = ", ".join(f"{count} {state}" for state, count in states.most_common())
        scores = [run.score for run in group if run.score is not None]
        best = objectives.best(scores)
        epochs = sum(len(run.epochs) for run in group)
        table.add_row(phase, str(len(group)), told, str(epochs), words.score(best))
    return table


def _driver(layout: SweepLayout, runs: Iterable[RunHistory], now: datetime) -> str:
    """Whether a process runs the sweep, and when anything was last written."""
    alive = "a process runs it" if layout.is_driven else "no process runs it"
    last = max((datetime.fromisoformat(end) for run in runs for _, end, _ in run.spans), default=None)
    return alive if last is None else f"{alive}; last record {_ago(now - last)} ago"


def _ago(passed: timedelta) -> str:
    return words.clock_time(max(passed.total_seconds(), 0.0))


def _pace(runs: Iterable[RunHistory], now: datetime) -> str:
    since = now - timedelta(seconds=WINDOW_SECONDS)
    ends = [datetime.fromisoformat(run.spans[-1][1]) for run in runs if run.state.is_final and run.spans]
    times = [datetime.fromisoformat(row["time"]) for run in runs for row in run.epochs]
    epochs, done = sum(time > since for time in times), sum(end > since for end in ends)
    if not epochs:
        return f"nothing in the last {WINDOW_SECONDS / 60:g} minutes"
    return words.pace(3600.0 * done / WINDOW_SECONDS, epochs / WINDOW_SECONDS)


def _budget(budget: BudgetSection, runs: Iterable[RunHistory]) -> Iterable[str]:
    """What the search has used of each limit that it has."""
    searched = [run for run in runs if run.phase == "search"]
    spans = [span for run in searched for span in spans_of(run)]
    if budget.runs is not None:
        configurations = len({run.key.config_id for run in searched})
        yield f"{configurations} of {budget.runs} configurations"
    if budget.hours is not None:
        yield f"{wall_hours(spans):.3g} of {budget.hours:g} hours"
    if budget.gpu_hours is not None:
        yield f"{device_hours(spans):.3g} of {budget.gpu_hours:g} GPU hours"
    if budget.target is not None:
        yield f"until a configuration reaches {budget.target:g}"
