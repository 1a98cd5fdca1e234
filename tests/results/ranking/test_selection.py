"""Selection: by validation alone, with reasons, written whole."""

from __future__ import annotations

from pathlib import Path

import handmade
import numpy as np
import pandas as pd
import pytest
from objectives_by_hand import LOWER
from scipy import stats

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from results.ranking.leaderboard import Leaderboard, leaderboard
from results.ranking.selection import choose, read_selection, select
from results.ranking.selection_reasons import certainty_reasons
from results.ranking.selection_rules import RULES, Rule
from results.records.confirmation_rules import HalvingRule
from results.records.dataset import SweepResults, open_sweep
from results.statistics.intervals import t_interval
from results.statistics.optimism import Optimism


@pytest.fixture
def results(tmp_path: Path) -> SweepResults:
    return open_sweep(handmade.whole_sweep(tmp_path))


def test_the_best_mean_over_complete_sets_is_selected(results: SweepResults) -> None:
    chosen = select(results)
    assert chosen.config_id == handmade.config_id(handmade.WINNER)
    assert chosen.number == int(handmade.WINNER)
    assert chosen.config == handmade.config(handmade.WINNER)
    assert chosen.interval == t_interval([0.80, 0.74, 0.77])
    assert chosen.scores == pytest.approx({1: 0.80, 2: 0.74, 3: 0.77})


def test_the_runner_up_is_compared_on_the_same_seeds(results: SweepResults) -> None:
    runner_up = choose(results).runner_up
    assert runner_up is not None
    assert runner_up.number == 1
    assert runner_up.difference.mean == pytest.approx((0.10 + 0.00 + 0.02) / 3)
    assert runner_up.p_value == pytest.approx(0.5)


def test_optimism_is_what_the_search_saw_beyond_the_fresh_seeds(results: SweepResults) -> None:
    chosen = choose(results)
    assert chosen.search_mean == pytest.approx(0.76)
    assert chosen.search_optimism == pytest.approx(0.76 - 0.77)
    lower = results.manifest.model_copy(update={"objectives": LOWER})
    other = choose(handmade.changed(results, manifest=lower))
    assert other.number == 0
    assert other.search_optimism == pytest.approx(0.72 - 0.70)


def test_unseen_seeds_say_how_far_the_selection_was_overstated(tmp_path: Path) -> None:
    judged = open_sweep(handmade.judged_sweep(tmp_path))
    chosen = choose(judged)
    assert chosen.interval.mean == pytest.approx(0.7675)
    assert chosen.confirmed == t_interval([0.75, 0.73])
    assert chosen.optimism == pytest.approx(0.7675 - 0.74)
    assert chosen.search_optimism == pytest.approx(0.76 - 0.74)
    assert "over the evaluation seeds 1000, 1001, which no selection used, it has 0.7400" in "; ".join(
        chosen.reasons
    )
    assert "on new seeds it scores 0.0275 lower than when it was selected" in chosen.reasons
    before = handmade.changed(judged, runs=judged.runs[judged.runs["seed"] < 1000])
    early = choose(before)
    assert (early.confirmed, early.optimism, early.search_optimism) == (None, None, None)
    assert (early.config_id, early.interval) == (chosen.config_id, chosen.interval)


def test_what_the_search_alone_selected_is_said_to_be_overstated_once(tmp_path: Path) -> None:
    judged = open_sweep(handmade.judged_sweep(tmp_path))
    unconfirmed = judged.manifest.model_copy(update={"confirm_seeds": ()})
    alone = judged.runs[judged.runs["config_id"] == handmade.config_id(handmade.WINNER)]
    reasons = choose(handmade.changed(judged, manifest=unconfirmed, runs=alone)).reasons
    assert [reason for reason in reasons if "on new seeds" in reason] == [
        "on new seeds it scores 0.0200 lower than when it was selected"
    ]


def test_the_runner_up_may_have_left_the_confirmation_before(tmp_path: Path) -> None:
    chosen = choose(open_sweep(handmade.judged_sweep(tmp_path, confirmation=HalvingRule())))
    assert chosen.runner_up is not None
    assert chosen.runner_up.number == 1
    assert chosen.runner_up.difference.n == 2
    assert "2 eliminated in the confirmation" in "; ".join(chosen.reasons)


def test_the_tied_set_and_the_estimated_optimism_stand_in_the_selection(results: SweepResults) -> None:
    chosen = choose(results)
    assert chosen.tied is not None
    assert chosen.tied.best == handmade.config_id("2")
    assert {*chosen.tied.tied} == {handmade.config_id(name) for name in "012"}
    assert chosen.tied.test == "t"
    second, third = (stats.ttest_1samp(d, 0.0).pvalue for d in ([0.10, 0.0, 0.02], [0.09, 0.01, 0.05]))
    adjusted = 2 * min(second, third)
    assert chosen.tied.p_values[handmade.config_id("0")] == pytest.approx(adjusted)
    assert chosen.tied.p_values[handmade.config_id("1")] == pytest.approx(max(adjusted, second))
    assert chosen.runner_up is not None
    assert chosen.runner_up.effect_size == pytest.approx(0.04 / np.std([0.1, 0, 0.02], ddof=1) / np.pi**0.5)
    reasons = "\n".join(chosen.reasons)
    assert (
        f"not distinguishable from the best mean, #2: #1 (p = {adjusted:.3g}), #0 (p = {adjusted:.3g})"
        in reasons
    )
    assert "paired t test over 3 common seeds, Holm-corrected, level 0.05" in reasons


def test_optimism_is_estimated_only_as_long_as_none_is_measured(tmp_path: Path) -> None:
    judged = open_sweep(handmade.judged_sweep(tmp_path))
    assert choose(judged).estimated_optimism is None
    early = choose(handmade.changed(judged, runs=judged.runs[judged.runs["seed"] < 1000]))
    assert early.estimated_optimism is not None
    assert early.estimated_optimism == choose(judged_early(judged)).estimated_optimism
    assert "the choice among 3 configurations on resamples of 3 seeds" in early.reasons[-1]


def test_an_estimate_gives_raw_and_corrected_side_by_side_and_a_negative_one_is_no_understatement(
    results: SweepResults,
) -> None:
    board = leaderboard(results.runs, results.manifest)
    (found,) = certainty_reasons(None, Optimism(0.77, 0.015, 0.755, "estimated"), board)
    assert "0.7700 is optimistic by about 0.0150" in found
    assert "corrected 0.7550" in found
    (found,) = certainty_reasons(None, Optimism(0.77, -0.01, 0.78, "estimated"), board)
    assert found == "no sign that its mean is optimistic, estimated"


def judged_early(judged: SweepResults) -> SweepResults:
    """As before the evaluation, the rows in another order."""
    runs = judged.runs[judged.runs["seed"] < 1000].sample(frac=1.0, random_state=0)
    return handmade.changed(judged, runs=runs)


def test_a_selection_comes_back_as_written(results: SweepResults) -> None:
    assert read_selection(results.layout) is None
    chosen = select(results)
    assert read_selection(results.layout) == chosen
    handmade.redigested(results.layout.selection, rule=None)
    with pytest.raises(UserError, match="not a selection"):
        read_selection(results.layout)


@pytest.mark.parametrize("content", [b"", b"{}", b"[", None])
def test_a_damaged_or_missing_selection_is_named_and_can_be_made_again(
    results: SweepResults, content: bytes | None
) -> None:
    chosen, path = select(results), results.layout.selection
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(DamagedFileError, match=r"selection\.json is damaged: .*choose again"):
        read_selection(results.layout)
    assert select(results).config_id == chosen.config_id
    assert read_selection(results.layout) is not None


def test_the_selection_of_another_sweep_is_refused(results: SweepResults) -> None:
    select(results)
    handmade.redigested(results.layout.selection, sweep_id="other-0123456789abcdef")
    with pytest.raises(DamagedFileError, match="it is of the sweep other-0123456789abcdef"):
        read_selection(results.layout)


def test_the_reasons_say_rule_interval_seeds_runner_up_and_what_was_left_out(results: SweepResults) -> None:
    reasons = "\n".join(choose(results).reasons)
    for part in (
        "best_mean",
        "only validation records",
        "0.7700 [0.6955, 0.8445]",
        "1, 2, 3",
        "#1",
        "p = 0.5",
    ):
        assert part in reasons
    assert "3 candidates with complete seed sets compared; 1 incomplete, 2 not confirmed" in reasons


def test_the_test_split_cannot_change_the_selection(results: SweepResults) -> None:
    """Neither its values nor its absence: the rule is handed none of them."""
    turned = results.evaluations.assign(accuracy=1.0 - results.evaluations["accuracy"])
    for evaluations in (turned, results.evaluations.iloc[:0]):
        chosen = choose(handmade.changed(results, evaluations=evaluations))
        assert chosen.config_id == handmade.config_id(handmade.WINNER)


def test_a_rule_is_handed_the_columns_it_declares_and_no_others(
    results: SweepResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    import results.ranking.selection as module

    seen: list[list[str]] = []

    def spy(runs: pd.DataFrame, manifest: object) -> Leaderboard:
        seen.append(list(runs.columns))
        return real(runs, manifest)  # type: ignore[arg-type]

    real = module.leaderboard
    monkeypatch.setattr(module, "leaderboard", spy)
    choose(results)
    assert seen == [list(RULES["best_mean"].columns)]


def test_no_rule_may_see_more_than_validation_records() -> None:
    allowed = {"config_id", "seed", "role", "number", "state", "score", "parameters"}
    for name, rule in RULES.items():
        assert isinstance(rule, Rule)
        assert rule.name == name
        assert rule.description
        assert set(rule.columns) <= allowed


def test_an_unknown_rule_is_answered_with_the_known_ones(results: SweepResults) -> None:
    with pytest.raises(
        UserError,
        match=r"unknown selection rule 'best_men'; allowed: best_mean, knee, lower_bound, one_standard_error \(did you",
    ):
        choose(results, "best_men")


def test_without_a_complete_seed_set_nothing_is_selected_and_the_gaps_are_named(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    with pytest.raises(UserError, match=r"\(1, 2, 3\): no candidate was started on these seeds"):
        select(open_sweep(layout))
    for seed in (0, 1, 2):
        handmade.finish(layout, "2", seed)
    for seed in (1, 2, 3):
        handmade.finish(layout, "paper", seed)
    with pytest.raises(UserError, match=r"#2 lacks seed 3 \(not started\).*causalmer resume"):
        select(open_sweep(layout))
    assert not layout.selection.exists()


def test_the_only_candidate_is_selected_without_a_runner_up(tmp_path: Path) -> None:
    layout = handmade.empty_sweep(tmp_path)
    for seed in (0, 1, 2, 3):
        handmade.finish(layout, "2", seed)
    chosen = choose(open_sweep(layout))
    assert chosen.runner_up is None
    assert "there is no runner-up" in chosen.reasons
