"""A sweep that runs, drawn for a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeps.progress import status_text as words
from sweeps.progress.counters import SweepStatus

MOST_RUNNING = 8
"""So many running runs have a line of their own."""


def live_table(standing: SweepStatus) -> RenderableType:
    """Phase, time, runs by how they stand, the leader, the pace, and what is running."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column()
    facts.add_row("runs", Text(words.runs(standing)))
    facts.add_row("best so far", Text("–" if standing.leader is None else str(standing.leader)))
    facts.add_row("pace", Text(words.pace(standing.runs_an_hour, standing.epochs_a_second)))
    return Group(_head(standing), facts, *_running(standing))


def _head(standing: SweepStatus) -> Table:
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(style="bold", no_wrap=True)
    head.add_column(ratio=1)
    head.add_column(no_wrap=True)
    bar = ProgressBar(total=1.0, completed=standing.share)
    time = f"{words.clock_time(standing.elapsed)}, {words.left(standing)}"
    head.add_row(standing.phase or "start", bar, time)
    return head


def _running(standing: SweepStatus) -> list[RenderableType]:
    if not standing.running:
        return []
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right"):
        table.add_column(justify=justify, no_wrap=True)
    for run in standing.running[:MOST_RUNNING]:
        epoch = f"epoch {run.epoch} of {standing.max_epochs}"
        table.add_row(Text(f"  {run.name}"), Text(epoch), Text(words.score(run.score)))
    further = len(standing.running) - MOST_RUNNING
    return [table, *([Text(f"  and {further} more")] if further > 0 else [])]
