"""The importance of the parameters: one bar per method."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from results.ranking.importance import Importance
from results.report.figures.style import COLOURS, plain


def draw_importance(found: Sequence[Importance]) -> go.Figure:
    """The share of each parameter by each method. The most important one by the first method is on top."""
    order = list(found[0].shares)
    figure = go.Figure()
    for colour, importance in zip(COLOURS, found, strict=False):
        figure.add_bar(
            x=[importance.shares.get(path, 0.0) for path in order],
            y=order,
            orientation="h",
            name=importance.method,
            marker={"color": colour},
            hovertemplate=f"{importance.method}, %{{y}}: %{{x:.3f}}<extra></extra>",
        )
    figure.update_layout(
        barmode="group",
        height=110 + 44 * max(len(order), 2),
        xaxis={"title": "importance (shares of 1)", "range": [0, 1]},
        yaxis={"autorange": "reversed", "type": "category"},
    )
    return plain(figure)
