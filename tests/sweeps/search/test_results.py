"""What is confirmed: the best configurations by complete sets of search seeds."""

from __future__ import annotations

import dataclasses

import handmade
import pytest
from objectives_by_hand import HIGHER, LOWER

from causalmer_core.basics.errors import UserError
from results.ranking.configuration_runs import of_histories
from results.records.histories import RunHistory, read_runs
from results.records.schemas import RunKey, RunState
from sweeps.search.results import best_candidates


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> list[RunHistory]:
    return read_runs(handmade.whole_sweep(tmp_path_factory.mktemp("sweep")))


def numbers(found: list[RunHistory]) -> list[int | None]:
    return [history.number for history in found]


def test_the_best_come_first_and_no_more_than_asked_for(histories: list[RunHistory]) -> None:
    assert numbers(best_candidates(histories, (0,), HIGHER, 3)) == [1, 2, 3]
    assert numbers(best_candidates(histories, (0,), HIGHER, 9)) == [1, 2, 3, 0]
    assert numbers(best_candidates(histories, (0,), LOWER, 2)) == [0, 3]


def test_ties_go_to_the_earlier_proposal(histories: list[RunHistory]) -> None:
    tied = [dataclasses.replace(history, score=0.5) for history in histories]
    assert numbers(best_candidates(tied, (0,), HIGHER, 2)) == [0, 1]


def test_a_configuration_with_an_incomplete_set_of_search_seeds_is_not_averaged(
    histories: list[RunHistory],
) -> None:
    searched = [history for history in histories if history.phase == "search"]
    again = [dataclasses.replace(h, key=RunKey(h.key.config_id, 7)) for h in searched]
    crashed = [
        dataclasses.replace(h, state=RunState.FAILED) if h.number == 1 else dataclasses.replace(h, score=0.7)
        for h in again
    ]
    found = of_histories([*searched, *crashed], ())
    assert found[handmade.config_id("1")].mean_score((0, 7)) is None
    assert found[handmade.config_id("2")].mean_score((0, 7)) == pytest.approx((0.76 + 0.7) / 2)
    assert numbers(best_candidates([*searched, *crashed], (0, 7), HIGHER, 2)) == [2, 3]


def test_where_none_finished_the_reason_of_the_first_is_named(histories: list[RunHistory]) -> None:
    failed = [dataclasses.replace(h, state=RunState.FAILED, reason="ValueError: a label") for h in histories]
    with pytest.raises(UserError, match=r"no configuration finished its search.*failed: ValueError: a label"):
        best_candidates(failed, (0,), HIGHER, 2)
    with pytest.raises(UserError, match="no run was started"):
        best_candidates([], (0,), HIGHER, 2)
