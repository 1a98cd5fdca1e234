"""The timeline: one line per attempt, in lanes by host, coloured by phase."""

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
    """One line per attempt, with the lanes of a host side by side. A cross marks the end of a run that failed."""
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


@dataclass(frozen=True, slots=True)
class Span:
    """An attempt at a run, from its start line to its last line.

    Attributes:
        stem: the run's name (see `RunKey.stem`).
        number: the number of the proposal. None for contenders.
        phase: the phase of the sweep.
        state: the state of the run.
        host: the machine of the run's last attempt. Earlier attempts may have run on another one.
        begin, end: times, UTC.
        gpus: the number of GPUs, or the share of one.
        lane: the lane of the host, from 0. Attempts in one lane do not overlap.
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
        """The duration in seconds."""
        return (self.end - self.begin).total_seconds()


@dataclass(frozen=True, slots=True)
class Utilisation:
    """The time and the machines that a sweep used.

    Attributes:
        wall_seconds: the seconds in which at least one attempt was running.
        run_seconds: the seconds of all attempts together.
        gpu_seconds: the seconds of all attempts, each times its number or share of GPUs.
        at_once: the number of attempts running at the same time, as a mean over `wall_seconds`.
        most_at_once: the largest number of attempts running at the same time.
        hosts: the machines.
    """

    wall_seconds: float
    run_seconds: float
    gpu_seconds: float
    at_once: float
    most_at_once: int
    hosts: tuple[str, ...]


def attempt_spans(histories: Iterable[RunHistory]) -> list[Span]:
    """The attempts of this sweep, sorted by their start. Runs that were reused from another sweep have none."""
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
    """The utilisation by all attempts. None without attempts."""
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
