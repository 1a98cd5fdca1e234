"""Figures of missing modalities and of contributions.

The numbers are from `results.evaluation.evaluation_table` and `results.evaluation.modality_table`.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from causalmer_core.basics.modality import MODALITIES
from results.evaluation.evaluation_table import PRESENT, SUBSET_NAMES, Contender, labels
from results.evaluation.modality_table import ContributionLine
from results.records.manifest import SweepManifest
from results.report.figures.style import COLOURS, QUIET, better, plain


def draw_heat_map(evaluated_contenders: Sequence[Contender], manifest: SweepManifest) -> go.Figure:
    """The mean of the monitored metric over seeds, in a cell for each contender and present subset."""
    rows = [
        [contender.interval(manifest.monitor, present) for present in PRESENT]
        for contender in evaluated_contenders
    ]
    means = [[None if cell is None else cell.mean for cell in row] for row in rows]
    figure = go.Figure()
    figure.add_heatmap(
        z=means,
        x=[SUBSET_NAMES[present] for present in PRESENT],
        y=labels(evaluated_contenders),
        text=[["" if cell is None else f"{cell.mean:.3f}" for cell in row] for row in rows],
        texttemplate="%{text}",
        customdata=[["not evaluated" if cell is None else str(cell) for cell in row] for row in rows],
        hovertemplate="%{y}, %{x} present: %{customdata}<extra></extra>",
        colorscale="Viridis" if manifest.direction == "max" else "Viridis_r",
        xgap=2,
        ygap=2,
        colorbar={
            "title": {"text": f"test {manifest.monitor}<br>({better(manifest.direction)})", "side": "right"}
        },
    )
    figure.update_layout(
        height=130 + 44 * len(evaluated_contenders),
        xaxis={"type": "category", "title": "modalities present"},
        yaxis={"autorange": "reversed", "type": "category"},
    )
    return plain(figure)


def draw_contributions(lines: Sequence[ContributionLine], manifest: SweepManifest) -> go.Figure:
    """A group of bars per contender, with one bar per modality and its interval over seeds, for one ablation."""
    x = labels([line.contender for line in lines])
    figure = go.Figure()
    for colour, modality in zip(COLOURS, MODALITIES, strict=False):
        found = [line.contributions[modality] for line in lines]
        figure.add_bar(
            x=x,
            y=[interval.mean for interval in found],
            name=modality,
            marker={"color": colour},
            error_y={
                "type": "data",
                "array": [0.0 if i.high is None else i.high - i.mean for i in found],
                "arrayminus": [0.0 if i.low is None else i.mean - i.low for i in found],
                "thickness": 1.5,
                "color": QUIET,
                "width": 4,
            },
            customdata=[str(interval) for interval in found],
            hovertemplate=f"%{{x}}, {modality}: %{{customdata}}<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        height=360,
        xaxis={"type": "category"},
        yaxis_title=f"contribution to test {manifest.monitor}",
    )
    return plain(figure)
