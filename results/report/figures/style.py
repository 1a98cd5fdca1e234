"""What all figures share. Colours of axes and text are left to the page, which knows whether it is light or dark."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from causalmer_core.measures.metrics import Direction, better_word

COLOURS = ("#2f7fd1", "#d9822b", "#1f9d78", "#b95fa8", "#7d6fd6", "#8c8f3a", "#c4554d", "#3fa3b5")
"""Legible on white and on near-black, told apart by colour-blind readers in this order."""
QUIET = "#8a919c"
SCALE = ("#9aa3b2", "#8f8fc0", "#7d6fd6", "#5f7be0", "#2f7fd1", "#1f9d78", "#8c8f3a", "#d9822b")
"""From low to high, legible on white and on near-black."""


def better(direction: Direction) -> str:
    """Which way a metric is read."""
    return f"{better_word(direction)} is better"


def cell_text(value: Any) -> str:
    """A parameter's value as text: numbers in four digits, a dash for none."""
    if value is None or value != value:  # NaN is how pandas says null in a number column
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plain(figure: go.Figure) -> go.Figure:
    """The figure without a look of its own."""
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
