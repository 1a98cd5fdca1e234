"""What missing modalities cost and what each contributes, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from causalmer_core.basics.modality import MODALITIES
from results.evaluation.evaluation_table import PRESENT, SUBSET_NAMES
from results.evaluation.modality_table import (
    REPLACED_BY,
    ContributionLine,
    contribution_lines,
    gap_lines,
    label_lines,
    rate_points,
)
from results.ranking.selection import read_selection
from results.records.dataset import SweepResults
from results.statistics.intervals import Interval


def modality_tables(results: SweepResults) -> list[RenderableType]:
    """Gaps, contributions, those of the selected configuration by label, and losses of steps: each where there is any.

    Ways of removing that were not evaluated have no line.
    """
    selection = read_selection(results.layout)
    by_label = [] if selection is None else label_lines(results, selection.config_id)
    metric = results.manifest.monitor
    title = (
        f"contributions to test {metric}: exact Shapley values over the subsets of modalities; our measure"
    )
    found = (
        _gaps(results),
        _contributions(title, contribution_lines(results)),
        _contributions("the same for the selected configuration, one label at a time", by_label),
        _rates(results),
    )
    return [table for table in found if table is not None]


def _gaps(results: SweepResults) -> RenderableType | None:
    lines = gap_lines(results)
    if not lines:
        return None
    table = _table(
        "contender", "replaced by", *(SUBSET_NAMES[present] for present in PRESENT[1:]), "mean", "std"
    )
    for line in lines:
        gaps = (f"{line.gaps[present].mean:z.4f}" for present in PRESENT[1:])
        ends = (f"{line.mean.mean:z.4f}", _shown(line.std))
        table.add_row(*map(Text, (line.contender.name, REPLACED_BY[line.ablation], *gaps, *ends)))
    title = (
        f"when a modality is missing: how much worse test {results.manifest.monitor} is with what is left; mean and "
        "standard deviation over the six subsets with one or two missing [95% t interval]"
    )
    return Group(Text(title), table)


def _contributions(title: str, lines: Sequence[ContributionLine]) -> RenderableType | None:
    if not lines:
        return None
    table = _table("to" if lines[0].label else "contender", "replaced by", *MODALITIES, "sum: all over none")
    for line in lines:
        shares = (_shown(line.contributions[modality]) for modality in MODALITIES)
        name = line.metric if line.label else line.contender.name
        table.add_row(*map(Text, (name, REPLACED_BY[line.ablation], *shares, f"{line.total.mean:z.4f}")))
    return Group(Text(title), table)


def _rates(results: SweepResults) -> RenderableType | None:
    points = rate_points(results)
    if not points:
        return None
    rates = sorted({point.rate for point in points})
    table = _table("contender", "lost", *(f"{rate:g}" for rate in rates))
    means = {(p.label, p.ablation, p.rate): f"{p.interval.mean:z.4f}" for p in points}
    for label, ablation in dict.fromkeys((point.label, point.ablation) for point in points):
        cells = (means.get((label, ablation, rate), "–") for rate in rates)
        table.add_row(*map(Text, (label, ablation.replace("_", " "), *cells)))
    metric = results.manifest.monitor
    title = f"when steps are missing: test {metric} by the share of all modalities' steps that is lost"
    return Group(Text(title), table)


def _shown(interval: Interval) -> str:
    """With its ends where it has any."""
    return f"{interval.mean:z.4f}" if interval.low is None else str(interval)


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place < 2 else "right")
    return table
