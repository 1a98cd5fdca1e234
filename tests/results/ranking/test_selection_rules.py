"""The rules on a hand-made sweep in which each of them chooses another configuration."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import handmade
import pytest
from objectives_by_hand import HIGHER, LOWER

from causalmer_core.basics.errors import UserError
from results.ranking.selection import choose
from results.ranking.selection_rules import RULES
from results.records.dataset import SweepResults, open_sweep
from results.records.layout import SweepLayout
from results.records.manifest import create_sweep
from results.records.run_journal import RunJournal
from results.records.schemas import RunState
from sweeps.spec.sections import SelectionSection

TRUTH: dict[int, tuple[tuple[float, ...], int]] = {
    0: ((0.80, 0.90, 0.70, 0.84), 900),  # the best mean, 0.81, and the widest interval
    1: ((0.79, 0.80, 0.79, 0.80), 1000),  # the best low end
    2: ((0.78, 0.88, 0.71, 0.83), 100),  # small, and behind by 0.01 with a standard error of 0.0071
    3: ((0.80, 0.88, 0.69, 0.86), 300),  # behind by 0.0025 with a standard error of 0.0085
    4: ((0.75, 0.85, 0.65, 0.79), 50),  # the smallest, and behind by 0.05 on every seed
}
"""Scores on seeds 0 to 3, and parameters."""


def sweep(folder: Path, *, sign: float = 1.0, direction: str = "max") -> SweepLayout:
    layout = SweepLayout(folder / "ruled")
    fields = {"search_ranks": True, "objectives": HIGHER if direction == "max" else LOWER}
    create_sweep(layout, handmade.manifest("ruled").model_copy(update=fields), spec="name: ruled\n")
    for number, (scores, parameters) in TRUTH.items():
        for seed, score in enumerate(scores):
            with RunJournal.begin(
                layout,
                handmade.key(str(number), seed),
                phase="search" if seed == 0 else "confirm",
                role="candidate",
                number=number,
                config=handmade.config(str(number)),
                parameters=parameters,
            ) as journal:
                journal.epoch(handmade.epoch_row(sign * score - handmade.CURVE[0], 1))
                journal.end(RunState.FINISHED)
    return layout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> SweepResults:
    return open_sweep(sweep(tmp_path_factory.mktemp("rules")))


KNOWN = {"best_mean": 0, "lower_bound": 1, "one_standard_error": 3, "knee": 0}


@pytest.mark.parametrize(("rule", "number"), KNOWN.items())
def test_each_rule_chooses_what_it_says(results: SweepResults, rule: str, number: int) -> None:
    chosen = choose(results, rule)
    assert (chosen.rule, chosen.number) == (rule, number)
    assert RULES[rule].description in chosen.reasons[0]


@pytest.mark.parametrize("rule", ["best_mean", "lower_bound", "one_standard_error"])
def test_rules_follow_the_direction_of_the_metric(tmp_path: Path, rule: str) -> None:
    mirrored = open_sweep(sweep(tmp_path, sign=-1.0, direction="min"))
    assert choose(mirrored, rule).number == KNOWN[rule]


def test_the_error_is_that_of_the_difference_and_not_of_the_best_mean(results: SweepResults) -> None:
    """The best mean's own standard error, 0.042, would have let number 2 in, which is smaller."""
    runs = results.runs.assign(parameters=results.runs["parameters"].where(results.runs["number"] != 3, 999))
    assert choose(handmade.changed(results, runs=runs), "one_standard_error").number == 0


def test_equally_small_ones_are_decided_by_the_mean(results: SweepResults) -> None:
    runs = results.runs.assign(parameters=7)
    assert choose(handmade.changed(results, runs=runs), "one_standard_error").number == 0


def test_a_choice_that_is_not_the_best_mean_has_no_estimate_of_the_best_means_optimism(
    results: SweepResults,
) -> None:
    assert choose(results, "best_mean").estimated_optimism is not None
    other = choose(results, "one_standard_error")
    assert other.estimated_optimism is None
    assert other.tied is not None
    assert other.tied.best == handmade.config_id("0")


@pytest.mark.parametrize("rule", ["lower_bound", "one_standard_error"])
def test_one_seed_has_no_spread_to_choose_by(results: SweepResults, rule: str) -> None:
    manifest = results.manifest.model_copy(update={"confirm_seeds": ()})
    single = handmade.changed(results, manifest=manifest, runs=results.runs[results.runs["seed"] == 0])
    with pytest.raises(UserError, match=rf"rule {rule} needs at least two ranking seeds.*#0 has 1"):
        choose(single, rule)
    alone = handmade.changed(single, runs=single.runs[single.runs["number"] == 2])
    assert choose(alone, rule).number == 2


def test_a_file_can_name_every_rule() -> None:
    assert set(get_args(SelectionSection.model_fields["rule"].annotation)) == set(RULES)
