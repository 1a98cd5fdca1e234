"""`causalmer status`: how far a sweep is, from its records alone; works while it runs, from any process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.live import Live

from causalmer_core.basics.errors import UserError
from results.ranking.unfinished import unfinished_runs
from results.records.histories import RunHistory, read_runs
from results.records.layout import SweepLayout
from results.records.manifest import read_spec_text, read_sweep_manifest
from results.records.objectives import Objectives
from results.records.seals import read_sealed
from results.report.table import Cell, Column, Table, facts
from sweeps.cli.options import StorageOption, SweepArgument, named_sweep
from sweeps.cli.output import Form, Screen, console, show
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
    form: Form = None,
) -> None:
    """Show how far a sweep is, from its records alone; works while it runs."""
    layout = named_sweep(sweep, storage)
    if watch is None:
        show(status_of(layout), form)
        return
    if form:
        raise UserError("--watch shows tables in the terminal; it goes without --json and --csv")
    with Live(Screen(status_of(layout)), console=console(), auto_refresh=False) as live:
        while layout.is_driven:
            time.sleep(watch)
            live.update(Screen(status_of(layout)), refresh=True)


def status_of(layout: SweepLayout, now: datetime | None = None) -> list[Table]:
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
    proposals = read_sealed(layout, layout.proposals)
    leader, cut = best.leader(), cut_of(proposals)
    lines: list[tuple[Any, ...]] = [
        ("driver", _driver(layout, runs, now or datetime.now(UTC))),
        ("runs", words.run_ends(Counter(run.state for run in runs if run.state.is_final))),
        ("best so far", "–" if leader is None else str(leader), leader),
        ("pace", _pace(runs, now or datetime.now(UTC))),
        *manifest.objectives.described().items(),
    ]
    budget = (
        BudgetSection() if read_spec_text(layout) is None else load_stored_spec(layout).budget
    )  # else records alone
    lines += [("budget", line) for line in _budget(budget, runs)]
    if cut:
        lines.append(("search", f"cut by budget after {cut['number']} proposals; {cut['reason']}"))
    title = "; ".join(filter(None, [manifest.sweep_id, unfinished_runs(runs, proposals)]))
    return [_phases(title, runs, manifest.objectives), facts("facts", "", lines)]


def _phases(title: str, runs: Sequence[RunHistory], objectives: Objectives) -> Table:
    rows = []
    for phase in PHASES:
        group = [run for run in runs if run.phase == phase]
        if not group:
            continue
        states = Counter(run.state.value for run in group)
        text = ", ".join(f"{count} {state}" for state, count in states.most_common())
        scores = [run.score for run in group if run.score is not None]
        best = objectives.best(scores)
        epochs = sum(len(run.epochs) for run in group)
        rows.append((phase, len(group), Cell(states, text), epochs, best))
    columns = (
        Column("phase"),
        Column("runs"),
        Column("states"),
        Column("epochs"),
        Column("best score", "best_score"),
    )
    return Table("phases", title, columns, rows, () if rows else ("no run has been recorded yet",))


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
