"""When attempts at runs were under way, and where: the cost and the utilisation of a sweep over time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from results.histories import RunHistory


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


def spans(histories: Iterable[RunHistory]) -> list[Span]:
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
