"""How sure a leaderboard is, on the hand-made sweeps."""

from __future__ import annotations

import io
from pathlib import Path

import handmade
import numpy as np
import pytest
from rich.console import Console

from results.ranking.certainty import expected_optimism, tied_sentence, tied_with_best, variance_over_seeds
from results.ranking.leaderboard import Leaderboard, leaderboard
from results.records.dataset import SweepResults, open_sweep
from results.report.leaderboard_table import leaderboard_table
from results.statistics.optimism import resampled_optimism
from results.statistics.variance_split import variance_split
from sweeps.cli.output import Screen

RANKED = {name: {seed: handmade.SCORES[name][seed] for seed in handmade.CONFIRM_SEEDS} for name in "012"}


def test_only_complete_sets_are_compared(board: Leaderboard) -> None:
    """Number 3 has the best scores of all and lacks a seed."""
    tied = tied_with_best(board)
    assert tied is not None
    assert tied.best == handmade.config_id("2")
    assert tied.seeds == handmade.CONFIRM_SEEDS
    assert set(tied.tied) == {handmade.config_id(name) for name in RANKED}


def test_a_sweep_without_a_ranking_has_no_tied_set(results: SweepResults) -> None:
    empty = leaderboard(results.runs.iloc[:0], results.manifest)
    assert tied_with_best(empty) is None
    assert expected_optimism(empty, results.manifest) is None
    assert variance_over_seeds(empty) is None


def test_those_that_are_told_apart_are_not_named_among_the_tied(results: SweepResults) -> None:
    runs = results.runs.copy()
    runs.loc[runs["config_id"] == handmade.config_id("0"), "score"] -= 0.5
    board = leaderboard(runs, results.manifest)
    tied = tied_with_best(board)
    assert tied is not None
    sentence = tied_sentence(tied, board)
    assert "cannot be told from the best mean, #2: #1 (p = " in sentence
    assert "#0" not in sentence


def test_one_seed_says_that_it_tells_none_apart(results: SweepResults) -> None:
    single = results.manifest.model_copy(update={"confirm_seeds": ()})
    board = leaderboard(results.runs, single)
    tied = tied_with_best(board)
    assert tied is not None
    assert len(tied.tied) == len(board.ranked) == 4
    assert tied_sentence(tied, board) == "one seed tells none apart"


def test_a_long_tied_set_is_named_in_part(board: Leaderboard, monkeypatch: pytest.MonkeyPatch) -> None:
    tied = tied_with_best(board)
    assert tied is not None
    monkeypatch.setattr("results.ranking.certainty.MOST_NAMED", 1)
    assert "#1 (p = 0.326) and 1 more; paired t test" in tied_sentence(tied, board)


def test_the_terminal_names_the_tied_below_the_ranking(results: SweepResults, board: Leaderboard) -> None:
    screen = Console(file=io.StringIO(), width=300)
    screen.print(Screen([leaderboard_table(results)]))
    tied = tied_with_best(board)
    assert tied is not None
    assert tied_sentence(tied, board) in screen.file.getvalue()  # type: ignore[attr-defined]


def test_optimism_is_that_of_the_ranked_in_an_order_that_scores_do_not_make(
    results: SweepResults, board: Leaderboard
) -> None:
    by_identity = sorted(RANKED, key=handmade.config_id)
    scores = np.array([[*RANKED[name].values()] for name in by_identity])
    expected = resampled_optimism(scores, np.random.default_rng(0), direction="max")
    found = expected_optimism(board, results.manifest)
    assert found == expected
    assert found is not None
    assert found.raw == pytest.approx(0.77)


def test_search_seeds_that_count_in_the_ranking_judge_nobody(tmp_path: Path) -> None:
    judged = open_sweep(handmade.judged_sweep(tmp_path))
    board = leaderboard(judged.runs, judged.manifest)
    found = expected_optimism(board, judged.manifest)
    assert found is not None
    assert "resampling 3 seeds" in found.method
    assert found.raw == pytest.approx(0.7675)  # over four
    alone = judged.manifest.model_copy(update={"confirm_seeds": ()})
    single = handmade.changed(judged, manifest=alone)
    assert expected_optimism(leaderboard(single.runs, alone), alone) is None  # one seed


def test_the_split_is_that_of_the_ranked_scores(board: Leaderboard) -> None:
    found = variance_over_seeds(board)
    assert found == variance_split({handmade.config_id(name): scores for name, scores in RANKED.items()})
    assert found is not None
    assert (found.configurations, found.scores) == (3, 9)
