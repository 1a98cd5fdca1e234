"""Several objectives against one another: who is on the Pareto front."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from results.ranking.leaderboard import Entry, Leaderboard
from results.report.figures.style import COLOURS, QUIET, better, plain


def draw_front(board: Leaderboard, selected: str | None) -> go.Figure:
    """The first objective against each other one, a panel each: the front in colour, the selected a diamond.

    Args:
        board: of a sweep with several objectives; means over complete sets of seeds are shown.
        selected: the configuration that stands out; none: none does.
    """
    first, *others = board.objectives.all
    figure = make_subplots(1, len(others), shared_yaxes=True, horizontal_spacing=0.04)
    groups = (
        ("on the front", [e for e in board.ranked if e.front == 1], COLOURS[0]),
        ("behind it", [e for e in board.ranked if e.front != 1], QUIET),
        ("violates a constraint", list(board.infeasible), COLOURS[6]),
        ("contender", list(board.contenders), COLOURS[1]),
    )
    for column, other in enumerate(others, start=1):
        for name, entries, colour in groups:
            there = [e for e in entries if first.measure in e.measured and other.measure in e.measured]
            figure.add_scatter(
                x=[e.measured[other.measure] for e in there],
                y=[e.measured[first.measure] for e in there],
                mode="markers",
                name=name,
                legendgroup=name,
                showlegend=column == 1 and bool(there),
                text=[_words(e) for e in there],
                marker={
                    "color": colour,
                    "size": [14 if e.config_id == selected else 9 for e in there],
                    "symbol": ["diamond" if e.config_id == selected else "circle" for e in there],
                },
                hovertemplate="%{text}<br>%{x:.6g}, %{y:.6g}<extra></extra>",
                row=1,
                col=column,
            )
        figure.update_xaxes(title_text=f"{other.measure} ({better(other.direction)})", row=1, col=column)
    figure.update_yaxes(title_text=f"{first.measure} ({better(first.direction)})", col=1)
    figure.update_layout(height=420)
    return plain(figure)


def _words(entry: Entry) -> str:
    violated = f": {', '.join(entry.violated)}" if entry.violated else ""
    return f"{entry.label}{violated}"
