"""The score of each contender by the share of removed steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import plotly.graph_objects as go

from results.evaluation.modality_table import RatePoint
from results.records.manifest import SweepManifest
from results.report.figures.style import COLOURS, better, plain


def draw_rates(points: Sequence[RatePoint], manifest: SweepManifest) -> go.Figure:
    """The mean over seeds against the share of removed steps, in one colour per contender.

    Lines of random steps are solid, lines of spans are dashed.
    """
    # Intervals are shown at the pointer only, because bands of several contenders would hide the curves.
    figure = go.Figure()
    labels = list(dict.fromkeys(point.label for point in points))
    colours = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(labels)}
    for (label, ablation), group in groupby(points, key=lambda point: (point.label, point.ablation)):
        curve = list(group)
        words = ablation.replace("_", " ")
        figure.add_scatter(
            x=[point.rate for point in curve],
            y=[point.interval.mean for point in curve],
            mode="lines+markers",
            line={"color": colours[label], "width": 2.5, "dash": "dash" if ablation == "spans" else "solid"},
            marker={"size": 6},
            name=f"{label}, {words}",
            text=[str(point.interval) for point in curve],
            hovertemplate=f"{label}, {words}, share %{{x}}: %{{text}}<extra></extra>",
        )
    figure.update_layout(
        height=420,
        xaxis={"title": "share of the steps of all modalities that is lost", "rangemode": "tozero"},
        yaxis_title=f"test {manifest.monitor} ({better(manifest.direction)})",
    )
    return plain(figure)
