"""What scores vary by, and what a larger search would have bought."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from results.records.manifest import SweepManifest
from results.report.figures.style import COLOURS, plain
from results.statistics.expected_best import expected_best
from results.statistics.variance_split import VarianceSplit


def draw_variance(split: VarianceSplit, metric: str) -> go.Figure:
    """One bar of the variance, cut into its components."""
    parts = [
        ("hyperparameters", split.hyperparameters, COLOURS[0]),
        ("what a seed does to all alike", split.common, COLOURS[2]),
        ("what a seed does to one", split.seeds, COLOURS[1]),
    ]
    whole = sum(value or 0.0 for _, value, _ in parts)
    figure = go.Figure()
    for name, value, colour in parts:
        if value is not None:
            share = value / whole if whole else 0.0
            figure.add_bar(
                x=[share],
                y=[metric],
                orientation="h",
                name=name,
                marker={"color": colour},
                text=[f"{share:.0%}"],
                textposition="inside",
                insidetextfont={"color": "#ffffff"},
                hovertemplate=f"{name}: {share:.1%} of the variance, a deviation of {value**0.5:.4f}<extra></extra>",
            )
    figure.update_layout(
        barmode="stack",
        height=170,
        xaxis={"tickformat": ".0%", "range": [0, 1], "title": "share of the variance of the scores"},
        yaxis={"visible": False},
        legend={"traceorder": "normal"},
    )
    return plain(figure)


def draw_expected_best(scores: Sequence[float], manifest: SweepManifest) -> go.Figure:
    """The expected best search score among n configurations, for every n (see `results.statistics.expected_best`)."""
    expected = expected_best(scores, direction=manifest.direction)
    figure = go.Figure()
    figure.add_scatter(
        x=list(range(1, len(expected) + 1)),
        y=expected.tolist(),
        mode="lines+markers" if len(expected) <= 40 else "lines",
        line={"color": COLOURS[0], "width": 2.5},
        marker={"size": 5},
        name=f"expected best search {manifest.monitor}",
        hovertemplate="best of %{x}: %{y:.4f}<extra></extra>",
    )
    figure.update_layout(
        height=320,
        showlegend=False,
        xaxis={"title": "configurations searched", "rangemode": "tozero"},
        yaxis_title=f"expected best {manifest.monitor}",
    )
    return plain(figure)
