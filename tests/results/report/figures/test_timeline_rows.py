"""Attempts over time: lanes that do not overlap, and sums that come out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import handmade
import pytest
from histories_by_hand import ended_run
from hypothesis import given
from hypothesis import strategies as st

from results.records.histories import RunHistory, read_runs
from results.records.schemas import RunKey, RunState
from results.report.figures.timeline import Span, attempt_spans, utilisation

START = datetime(2026, 1, 1, tzinfo=UTC)


def span(begin: float, end: float, *, gpus: float = 0.0, lane: int = 0, host: str = "one") -> Span:
    times = (START + timedelta(seconds=begin), START + timedelta(seconds=end))
    return Span("c-s0", 0, "search", "finished", host, *times, gpus, lane)


def test_an_attempt_that_was_killed_has_a_span_of_its_own(tmp_path: Path) -> None:
    found = attempt_spans(read_runs(handmade.whole_sweep(tmp_path), reconcile=True))
    of_killed = [one for one in found if one.stem == handmade.key(handmade.WINNER, 1).stem]
    assert len(of_killed) == 2
    assert of_killed[0].end <= of_killed[1].begin
    assert {one.host for one in found} == {"elsewhere"}


def test_utilisation_counts_what_was_under_way() -> None:
    found = utilisation([span(0, 10, gpus=0.5), span(5, 15, gpus=0.25), span(20, 30)])
    assert found is not None
    assert (found.wall_seconds, found.run_seconds, found.most_at_once) == (25, 30, 2)
    assert found.at_once == pytest.approx(30 / 25)
    assert found.gpu_seconds == pytest.approx(7.5)
    assert utilisation([]) is None


def test_one_that_ends_as_another_begins_was_not_beside_it() -> None:
    found = utilisation([span(0, 10), span(10, 20)])
    assert found is not None
    assert found.most_at_once == 1


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), min_size=1, max_size=20))
def test_attempts_in_one_lane_never_overlap_and_no_lane_is_wasted(times: list[tuple[int, int]]) -> None:
    found = attempt_spans(
        [under_way(index, begin, begin + length) for index, (begin, length) in enumerate(times)]
    )
    by_lane: dict[int, list[Span]] = {}
    for one in found:
        by_lane.setdefault(one.lane, []).append(one)
    for lane in by_lane.values():
        assert all(earlier.end <= later.begin for earlier, later in pairwise(lane))
    most = max(sum(one.begin <= begin <= one.end for one in found) for begin in (one.begin for one in found))
    assert len(by_lane) <= most


def under_way(index: int, begin: float, end: float) -> RunHistory:
    times = [(START + timedelta(seconds=each)).isoformat() for each in (begin, end)]
    run = ended_run(RunKey(f"{index:016x}", 0), RunState.FINISHED, number=index)
    return replace(run, spans=((times[0], times[1], 0.0),))
