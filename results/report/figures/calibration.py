"""The reliability diagram: how often decisions are right, by confidence."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from results.evaluation.class_tables import Calibration
from results.report.figures.style import COLOURS, QUIET, plain


def draw_calibration(found: Mapping[str, Calibration]) -> go.Figure:
    """One curve per contender, with the diagonal of perfect calibration."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "dash": "dot", "width": 1.5}, name="as sure as right",
        hoverinfo="skip",
    )  # fmt: skip
    for colour, (name, calibration) in zip(COLOURS, found.items(), strict=False):
        figure.add_scatter(
            x=list(calibration.confidence),
            y=list(calibration.accuracy),
            mode="lines+markers",
            line={"color": colour, "width": 2.5},
            marker={"size": 7},
            name=name,
            text=[f"{count} decisions" for count in calibration.samples],
            hovertemplate=f"{name}: sure %{{x:.3f}}, right %{{y:.3f}}, %{{text}}<extra></extra>",
        )
    least = min((c for each in found.values() for c in each.confidence), default=0.0)
    low = max(0.0, round(min(least, 0.5), 1) - 0.1)
    figure.update_layout(
        height=420,
        xaxis={"title": "confidence", "range": [low, 1.01]},
        yaxis={"title": "share of decisions that are right", "range": [0, 1.02]},
    )
    return plain(figure)
