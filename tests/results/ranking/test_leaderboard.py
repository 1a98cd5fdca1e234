"""Ranking: means over complete seed sets only, in the manifest's direction."""

from __future__ import annotations

from pathlib import Path

import handmade
import pytest
from objectives_by_hand import LOWER

from results.ranking.leaderboard import COLUMNS, Leaderboard, leaderboard
from results.records.confirmation_rules import HalvingRule, RaceRule
from results.records.dataset import SweepResults, open_sweep
from results.records.schemas import RunState
from results.statistics.intervals import t_interval


def numbers(entries: tuple[object, ...]) -> list[int | None]:
    return [entry.number for entry in entries]  # type: ignore[attr-defined]


def test_configurations_stand_by_their_mean_over_the_confirm_seeds(board: Leaderboard) -> None:
    assert numbers(board.ranked) == [2, 1, 0]
    assert [entry.roles for entry in board.contenders] == [("paper",), ("undebiased",)]
    assert board.ranked[0].interval == t_interval([0.80, 0.74, 0.77])
    assert board.ranked[0].scores == pytest.approx({1: 0.80, 2: 0.74, 3: 0.77})


def test_the_search_seed_is_shown_and_never_averaged_in(board: Leaderboard) -> None:
    second = board.ranked[1]
    assert second.search_scores == pytest.approx({0: 0.78})
    assert second.interval is not None
    assert second.interval.mean == pytest.approx(0.73)


def test_an_incomplete_set_is_never_averaged_however_good(board: Leaderboard) -> None:
    (entry,) = board.incomplete
    assert entry.number == 3
    assert entry.interval is None
    assert entry.missing == {2: "failed"}
    assert not entry.selectable


def test_configurations_that_were_only_searched_stand_apart(board: Leaderboard) -> None:
    assert numbers(board.unconfirmed) == [4, 5]
    assert board.unconfirmed[0].search_states == {0: RunState.PRUNED}
    assert board.unconfirmed[1].search_mean is None


def test_contenders_are_shown_and_not_selectable(board: Leaderboard) -> None:
    assert not any(entry.selectable for entry in board.contenders)


def test_a_contender_that_the_search_met_again_is_selectable_under_both_names(results: SweepResults) -> None:
    runs = results.runs.copy()
    paper = runs["config_id"] == handmade.config_id("paper")
    runs.loc[paper & (runs["seed"] == 1), "role"] = "candidate"
    entry = leaderboard(runs, results.manifest).entry(handmade.config_id("paper"))
    assert entry.roles == ("candidate", "paper")
    assert entry.selectable


def test_a_lower_is_better_metric_ranks_the_other_way_round(results: SweepResults) -> None:
    lower = results.manifest.model_copy(update={"objectives": LOWER})
    assert numbers(leaderboard(results.runs, lower).ranked) == [0, 1, 2]


@pytest.mark.parametrize("state", ["pruned", "nan", "oom", "failed", "running", "lost"])
def test_a_seed_in_any_state_but_finished_makes_the_set_incomplete(results: SweepResults, state: str) -> None:
    runs = results.runs.copy()
    runs.loc[(runs["config_id"] == handmade.config_id("2")) & (runs["seed"] == 3), "state"] = state
    board = leaderboard(runs, results.manifest)
    assert numbers(board.ranked) == [1, 0]
    assert board.entry(handmade.config_id("2")).missing == {3: state}


def test_a_missing_seed_or_a_score_that_is_not_finite_makes_the_set_incomplete(results: SweepResults) -> None:
    runs = results.runs.copy()
    winner = runs["config_id"] == handmade.config_id("2")
    runs.loc[winner & (runs["seed"] == 1), "score"] = float("nan")
    runs = runs[~(winner & (runs["seed"] == 2))]
    entry = leaderboard(runs, results.manifest).entry(handmade.config_id("2"))
    assert entry.missing == {1: "finished without a finite score", 2: "not started"}


def test_without_confirm_seeds_the_search_seeds_rank(results: SweepResults) -> None:
    manifest = results.manifest.model_copy(update={"confirm_seeds": ()})
    board = leaderboard(results.runs, manifest)
    assert board.seeds == (0,)
    assert numbers(board.ranked) == [1, 2, 3, 0]
    assert numbers(board.incomplete)[:2] == [4, 5]


def test_ties_go_to_the_lower_number(results: SweepResults) -> None:
    runs = results.runs.assign(score=0.5)
    assert numbers(leaderboard(runs, results.manifest).ranked) == [0, 1, 2]


def test_the_order_of_rows_and_other_columns_do_not_matter(results: SweepResults, board: Leaderboard) -> None:
    shuffled = results.runs[list(COLUMNS)].sample(frac=1.0, random_state=1)
    assert leaderboard(shuffled, results.manifest).entries == board.entries


def test_an_empty_table_gives_an_empty_leaderboard(results: SweepResults) -> None:
    board = leaderboard(results.runs.iloc[:0], results.manifest)
    assert board.entries == ()
    with pytest.raises(KeyError):
        board.entry("0" * 16)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> SweepResults:
    return open_sweep(handmade.judged_sweep(tmp_path_factory.mktemp("judged")))


def test_where_the_search_seeds_count_the_mean_is_over_them_and_the_confirm_seeds(
    judged: SweepResults,
) -> None:
    board = leaderboard(judged.runs, judged.manifest)
    assert numbers(board.ranked) == [2, 1, 0]
    assert board.seeds == (0, 1, 2, 3)
    assert board.ranked[0].interval == t_interval([0.76, 0.80, 0.74, 0.77])


def test_seeds_that_no_selection_sees_have_a_mean_of_their_own(judged: SweepResults) -> None:
    board = leaderboard(judged.runs, judged.manifest)
    assert board.fresh_seeds == (1000, 1001)
    assert board.ranked[0].fresh_interval == t_interval([0.75, 0.73])
    assert board.ranked[1].fresh_interval is None
    (paper,) = board.contenders
    assert (paper.label, paper.interval, paper.standing) == ("paper", None, t_interval([0.70, 0.72]))
    assert handmade.config_id("undebiased") in {entry.config_id for entry in board.incomplete}


def test_what_ran_on_unseen_seeds_cannot_change_the_ranking(judged: SweepResults) -> None:
    runs = judged.runs.copy()
    fresh = runs["seed"].isin(handmade.FRESH_SEEDS)
    runs.loc[fresh, "score"] = 1.0 - runs.loc[fresh, "score"]
    expected = leaderboard(judged.runs, judged.manifest)
    for changed in (runs, judged.runs[~fresh]):
        board = leaderboard(changed, judged.manifest)
        assert [e.config_id for e in board.ranked] == [e.config_id for e in expected.ranked]
        assert [e.interval for e in board.ranked] == [e.interval for e in expected.ranked]


def test_who_left_the_confirmation_stands_apart_with_the_seeds_that_it_had(tmp_path: Path) -> None:
    layout = handmade.judged_sweep(tmp_path, confirmation=HalvingRule())
    results = open_sweep(layout)
    board = leaderboard(results.runs, results.manifest)
    # four race: seed 1 for all; the means over seeds 0 and 1 of 3 and 2 are the best, and 3 fails on seed 2
    assert numbers(board.ranked) == [2]
    assert numbers(board.eliminated) == [1, 0]
    assert {entry.eliminated_after for entry in board.eliminated} == {1}
    assert board.eliminated[0].interval == t_interval([0.78, 0.70])
    assert not board.eliminated[0].selectable
    assert numbers(board.incomplete)[:1] == [3]


def test_chances_are_those_of_the_race(tmp_path: Path) -> None:
    results = open_sweep(handmade.judged_sweep(tmp_path, confirmation=RaceRule(max_error=0.4)))
    board = leaderboard(results.runs, results.manifest)
    chances = [entry.chance for entry in board.entries if entry.chance is not None]
    assert len(chances) == 4
    assert all(0.0 <= chance <= 1.0 for chance in chances)
    assert board.ranked[0].number == 2


def test_handmade_truth_is_not_symmetric() -> None:
    """The winner of the search, of the complete sets and of the survivors' means are three configurations."""
    means = {name: sum(s.get(seed, 0.0) for seed in (1, 2, 3)) / 3 for name, s in handmade.SCORES.items()}
    survivors = {
        name: sum(v for seed, v in s.items() if seed) / max(1, len([seed for seed in s if seed]))
        for name, s in handmade.SCORES.items()
    }
    searched = {name: s[0] for name, s in handmade.SCORES.items() if 0 in s}
    assert max(means, key=means.__getitem__) == "2"
    assert max(survivors, key=survivors.__getitem__) == "3"
    assert max(searched, key=searched.__getitem__) == "1"
