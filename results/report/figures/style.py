"""The common style of all figures.

The page sets the colours of axes and text, because it knows whether it is light or dark.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from causalmer_core.measures.metrics import Direction, better_word

COLOURS = ("#2f7fd1", "#d9822b", "#1f9d78", "#b95fa8", "#7d6fd6", "#8c8f3a", "#c4554d", "#3fa3b5")
"""Colours that are legible on white and near-black, and distinguishable in this order for colour-blind readers."""
QUIET = "#8a919c"
SCALE = ("#9aa3b2", "#8f8fc0", "#7d6fd6", "#5f7be0", "#2f7fd1", "#1f9d78", "#8c8f3a", "#d9822b")
"""A colour scale from low to high that is legible on white and near-black."""


def better(direction: Direction) -> str:
    """Whether a higher or a lower value of a metric is better, in words."""
    return f"{better_word(direction)} is better"


def cell_text(value: Any) -> str:
    """A parameter's value as text: numbers with four digits, a dash for a missing value."""
    if value is None or value != value:  # NaN is how pandas says null in a number column
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plain(figure: go.Figure) -> go.Figure:
    """The figure with a transparent background and the common layout."""
    figure.update_layout(
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 64, "r": 16, "t": 40, "b": 56},
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom"},
        hovermode="closest",
    )
    figure.update_yaxes(automargin=True)
    return figure
