"""The sweep over time: a line an attempt, in lanes by host, coloured by phase."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import plotly.graph_objects as go

from results.figures.style import COLOURS, plain
from results.timeline import Span

_STATES_AT_FAULT = ("failed", "oom", "nan", "timeout", "lost", "interrupted")


def draw_timeline(found: Sequence[Span]) -> go.Figure:
    """Lanes of a host stand together; attempts of runs that did not end well have a cross at their end."""
    hosts = sorted({span.host for span in found})
    first: dict[str, int] = {}
    lanes = 0
    for host in hosts:
        first[host] = lanes
        lanes += 1 + max(span.lane for span in found if span.host == host)
    figure = go.Figure()
    for colour, phase in zip(COLOURS, dict.fromkeys(span.phase for span in found), strict=False):
        x: list[datetime | None] = []
        y: list[int | None] = []
        text: list[str] = []
        for span in found:
            if span.phase == phase:
                lane = first[span.host] + span.lane
                x += [span.begin, span.end, None]
                y += [lane, lane, None]
                text += [_words(span)] * 2 + [""]
        figure.add_scatter(
            x=x,
            y=y,
            text=text,
            mode="lines",
            line={"color": colour, "width": 7 if lanes <= 24 else 3},
            name=phase,
            hovertemplate="%{text}<extra></extra>",
        )
    broken = [span for span in found if span.state in _STATES_AT_FAULT]
    if broken:
        figure.add_scatter(
            x=[span.end for span in broken],
            y=[first[span.host] + span.lane for span in broken],
            text=[_words(span) for span in broken],
            mode="markers",
            marker={"symbol": "x", "size": 8, "color": COLOURS[6]},
            name="did not end well",
            hovertemplate="%{text}<extra></extra>",
        )
    figure.update_layout(
        height=130 + min(16 * lanes, 480),
        xaxis={"title": "time (UTC)", "type": "date"},
        yaxis={
            "tickvals": [first[host] for host in hosts],
            "ticktext": hosts,
            "range": [lanes - 0.5, -0.5],
        },
    )
    return plain(figure)


def _words(span: Span) -> str:
    name = span.stem if span.number is None else f"#{span.number}, {span.stem}"
    gpus = f", {span.gpus:g} GPU" if span.gpus else ""
    return f"{name}: {span.phase}, {span.state}, {span.seconds:.0f} s{gpus}"
