"""The sweep over time: hosts apart, phases in colours, and crosses where a run did not end well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from results.report.figures.timeline import Span, draw_timeline

START = datetime(2026, 1, 1, tzinfo=UTC)


def span(
    begin: float,
    end: float,
    *,
    lane: int = 0,
    host: str = "one",
    phase: str = "search",
    state: str = "finished",
) -> Span:
    times = (START + timedelta(seconds=begin), START + timedelta(seconds=end))
    return Span("c-s0", 0, phase, state, host, *times, 0.5, lane)


def test_lanes_of_hosts_stand_below_one_another() -> None:
    found = [span(0, 1), span(0, 2, lane=1), span(0, 3, host="two"), span(2, 4, phase="confirm")]
    search, confirm = draw_timeline(found).data
    assert (search.name, confirm.name) == ("search", "confirm")
    assert [y for y in search.y if y is not None] == [0, 0, 1, 1, 2, 2]
    assert [y for y in confirm.y if y is not None] == [0, 0]
    assert search.text[0] == "#0, c-s0: search, finished, 1 s, 0.5 GPU"


def test_what_did_not_end_well_has_a_cross_at_its_end() -> None:
    _, crosses = draw_timeline([span(0, 1), span(1, 3, state="failed"), span(3, 4, state="pruned")]).data
    assert crosses.name == "did not end well"
    assert list(crosses.x) == [START + timedelta(seconds=3)]
