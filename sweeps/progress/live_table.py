"""The live table of a running sweep, drawn for a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeps.progress import status_text as words
from sweeps.progress.counters import SweepStatus

MOST_RUNNING = 8
"""The largest number of running runs that have their own line."""


def live_table(status: SweepStatus) -> RenderableType:
    """Draw the phase, the time, runs by state, the leader, the pace, and the running runs."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column()
    facts.add_row("runs", Text(words.runs(status)))
    facts.add_row("best so far", Text("–" if status.leader is None else str(status.leader)))
    facts.add_row("pace", Text(words.pace(status.runs_an_hour, status.epochs_a_second)))
    return Group(_head(status), facts, *_running(status))


def _head(status: SweepStatus) -> Table:
    head = Table.grid(padding=(0, 2), expand=True)
    head.add_column(style="bold", no_wrap=True)
    head.add_column(ratio=1)
    head.add_column(no_wrap=True)
    bar = ProgressBar(total=1.0, completed=status.share)
    time = f"{words.clock_time(status.elapsed)}, {words.time_left(status)}"
    head.add_row(status.phase or "start", bar, time)
    return head


def _running(status: SweepStatus) -> list[RenderableType]:
    if not status.running:
        return []
    table = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right"):
        table.add_column(justify=justify, no_wrap=True)
    for run in status.running[:MOST_RUNNING]:
        epoch = f"epoch {run.epoch} of {status.max_epochs}"
        table.add_row(Text(f"  {run.name}"), Text(epoch), Text(words.score(run.score)))
    further = len(status.running) - MOST_RUNNING
    return [table, *([Text(f"  and {further} more")] if further > 0 else [])]
