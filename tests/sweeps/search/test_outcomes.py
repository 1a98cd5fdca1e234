"""What came of several runs of one configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories_by_hand import ended_run
from hypothesis import given
from hypothesis import strategies as st

from results.records.histories import RunHistory
from results.records.schemas import RunKey, RunState
from sweeps.search.outcomes import outcome

FINISHED, PRUNED, NAN, OOM = RunState.FINISHED, RunState.PRUNED, RunState.NAN, RunState.OOM

PLAIN = ended_run(RunKey("0" * 16, 0), FINISHED)


def run(state: RunState, *scores: float) -> RunHistory:
    return replace(PLAIN, state=state, curve=dict(enumerate(scores, start=1)))


def test_one_run_is_its_own_outcome() -> None:
    found = outcome([run(PRUNED, 0.1, 0.3)])
    assert (found.state, found.curve, found.score) == (PRUNED, {1: 0.1, 2: 0.3}, 0.3)


def test_the_mean_of_finished_runs_goes_on_where_one_stopped_early() -> None:
    found = outcome([run(FINISHED, 0.25, 0.5), run(FINISHED, 0.75, 0.75, 1.0)])
    assert found.state is FINISHED
    assert found.curve == {1: 0.5, 2: 0.625, 3: 0.75}


def test_a_block_that_was_pruned_counts_to_where_it_was() -> None:
    found = outcome([run(FINISHED, 0.5, 1.0), run(PRUNED, 0.0, 0.0, 0.5)])
    assert (found.state, found.curve) == (PRUNED, {1: 0.25, 2: 0.5, 3: 0.75})


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_a_failure_goes_before_what_it_pruned(order: list[int]) -> None:
    runs = [run(PRUNED, 0.5, 0.5), run(NAN, 0.5), run(FINISHED, 0.5, 0.5)]
    found = outcome([runs[place] for place in order])
    assert found.state is NAN
    assert found.is_failure
    assert found.curve == {1: 0.5}


def test_the_first_of_several_failures_is_named() -> None:
    assert outcome([run(FINISHED, 0.5), run(OOM, 0.5), run(NAN, 0.5)]).state is OOM


def test_a_run_without_an_epoch_or_a_record_leaves_no_score() -> None:
    for histories in ([run(NAN), run(PRUNED, 0.5)], [None, run(FINISHED, 0.5)]):
        found = outcome(histories)
        assert (found.curve, found.score) == ({}, None)
    assert outcome([None]).state is RunState.LOST


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=1, max_size=5))
def test_no_run_counts_for_more_than_its_share(curves: list[list[float]]) -> None:
    """Finished runs: the outcome's score lies within theirs, and the order of the seeds has no part in its state."""
    found = outcome([run(FINISHED, *curve) for curve in curves])
    ends = [curve[-1] for curve in curves]
    assert found.score is not None
    assert min(ends) - 1e-12 <= found.score <= max(ends) + 1e-12
    assert len(found.curve) == max(map(len, curves))
