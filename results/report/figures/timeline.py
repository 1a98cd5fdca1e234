"""The sweep over time: a line an attempt, in lanes by host, coloured by phase."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import plotly.graph_objects as go

from results.records.histories import RunHistory
from results.report.figures.style import COLOURS, plain

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
    violated = [span for span in found if span.state in _STATES_AT_FAULT]
    if violated:
        figure.add_scatter(
            x=[span.end for span in violated],
            y=[first[span.host] + span.lane for span in violated],
            text=[_words(span) for span in violated],
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


# FOLDED When attempts at runs were under way, and where: the cost and the utilisation of a sweep over time.
@dataclass(frozen=True, slots=True)
class Span:
    """An attempt at a run, from its start line to its last line.

    Attributes:
        stem: the run.
        number: of its configuration among the proposals; none for contenders.
        phase: of the sweep.
        state: how the run stands.
        host: where its last attempt trained; earlier ones may have been elsewhere.
        begin, end: times.
        gpus: how many, or which share of one.
        lane: attempts of one host in one lane do not overlap; lanes count from 0.
    """

    stem: str
    number: int | None
    phase: str
    state: str
    host: str
    begin: datetime
    end: datetime
    gpus: float
    lane: int

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.begin).total_seconds()


@dataclass(frozen=True, slots=True)
class Utilisation:
    """What a sweep took of time and machines.

    Attributes:
        wall_seconds: in which at least one attempt was under way.
        run_seconds: of all attempts together.
        gpu_seconds: the same by their shares of GPUs.
        at_once: attempts under way at a time, a mean over `wall_seconds`.
        most_at_once: the most that were.
        hosts: where.
    """

    wall_seconds: float
    run_seconds: float
    gpu_seconds: float
    at_once: float
    most_at_once: int
    hosts: tuple[str, ...]


def attempt_spans(histories: Iterable[RunHistory]) -> list[Span]:
    """The attempts that this sweep made, by their beginning; runs that were reused from another took none."""
    free: dict[str, list[tuple[datetime, int]]] = {}
    placed = []
    for begin, end, gpus, history in _sorted(histories):
        ends = free.setdefault(history.host, [])
        lane = heapq.heappop(ends)[1] if ends and ends[0][0] <= begin else len(ends)
        heapq.heappush(ends, (end, lane))
        placed.append(
            Span(
                history.key.stem,
                history.number,
                history.phase,
                history.state.value,
                history.host,
                begin,
                end,
                gpus,
                lane,
            )
        )
    return placed


def _sorted(histories: Iterable[RunHistory]) -> list[tuple[datetime, datetime, float, RunHistory]]:
    found = [
        (datetime.fromisoformat(begin), datetime.fromisoformat(end), gpus, history)
        for history in histories
        if history.reused_from is None
        for begin, end, gpus in history.spans
    ]
    return sorted(found, key=lambda attempt: (attempt[0], attempt[1], attempt[3].key))


def utilisation(found: Sequence[Span]) -> Utilisation | None:
    """What the attempts took together; none without any."""
    if not found:
        return None
    changes = sorted([(span.begin, 1) for span in found] + [(span.end, -1) for span in found])
    wall, most, running = 0.0, 0, 0
    before = changes[0][0]
    for time, change in changes:
        if running:
            wall += (time - before).total_seconds()
        running += change
        most, before = max(most, running), time
    together = sum(span.seconds for span in found)
    return Utilisation(
        wall_seconds=wall,
        run_seconds=together,
        gpu_seconds=sum(span.seconds * span.gpus for span in found),
        at_once=together / wall if wall else float(len(found)),
        most_at_once=most,
        hosts=tuple(sorted({span.host for span in found})),
    )
