"""The comparison of ways of choosing: what its tables mean, and the order of policies that must hold in them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from results.records.confirmation_rules import RaceRule
from sweeps.spec.search_section import AshaScheduler

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))  # its files are scripts

from learning_curves import TABLES, Draw, recorded_table, seeds_of  # noqa: E402
from policies import Policy, choose, compare, policies  # noqa: E402


def test_a_race_picks_better_than_the_luckiest_run_and_overstates_it_less() -> None:
    table = compare("one number", 25, workers=4, seed=0, processes=1).set_index("policy")
    lucky, race, mean = (
        table.loc[name] for name in ("argmax of one seed", "race of 25, error 0.5", "mean of 3 seeds")
    )
    assert race.runs < mean.runs + 10.0
    assert race.regret < mean.regret < lucky.regret
    assert race.best > mean.best > lucky.best
    assert race.optimism < mean.optimism < lucky.optimism
    assert abs(race.confirmed) < 4.0 / np.sqrt(25 * 5)
    assert lucky.runs == lucky.epochs == 50
    assert lucky.clock == 13  # four workers
    assert (table.regret >= 0.0).all()
    assert table.best.between(0.0, 1.0).all()
    errors = [table.loc[f"race of 25, error {error}"].runs for error in (0.1, 0.3, 0.5, 0.6)]
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize("name", TABLES)
def test_every_policy_runs_on_every_table(name: str) -> None:
    table = compare(name, 1, workers=2, seed=1, processes=1)
    epochs = TABLES[name](np.random.default_rng(0), seeds_of(name)).curves.shape[2]
    assert (table.epochs <= table.runs * epochs).all()
    assert (table.clock >= table.epochs / 2).all()
    assert len(table) == table.policy.nunique() >= 12
    if epochs > 1:
        whole, cut = (table.set_index("policy").loc[each] for each in ("argmax of one seed", "ASHA"))
        assert cut.epochs < whole.epochs
        assert cut.runs == whole.runs


def test_asha_judges_a_block_by_its_mean() -> None:
    """Of six configurations the last has one lucky seed at the rung, and a mean that is cut."""
    curves = np.tile(np.arange(6, 0, -1.0)[:, None, None], (1, 3, 4))
    curves[5, 0] += 50.0
    curves[5, 1:] -= 50.0
    draw = Draw(curves, curves[:, :, -1].mean(axis=1), curves[:, :, -1])
    asha = AshaScheduler(reduction_factor=2)
    single = choose(Policy("one seed", scheduler=asha), draw, workers=1)
    block = choose(Policy("block", search=3, scheduler=asha), draw, workers=1)
    assert single["regret"] > 0.0
    assert single["optimism"] > 50.0
    assert block["regret"] == 0.0
    assert (
        block["epochs"] == 3 * single["epochs"] - 3 * 2
    )  # the block of the last ends after two of four epochs


def test_a_race_among_those_that_are_told_apart_is_over_at_once() -> None:
    scores = np.array([10.0, 5.0, 0.0])[:, None] + np.array(
        [[0.0, 0.1, 0.2, 0.1], [0.1, 0.0, 0.1, 0.2], [0.1] * 4]
    )
    draw = Draw(scores[:, :, None], scores.mean(axis=1), scores)
    race = choose(Policy("race", top_k=3, confirm=3, rule=RaceRule(max_error=0.3)), draw, workers=3)
    assert race["best"] == 1.0
    assert race["runs"] < 3 + 9


def test_the_recorded_curves_are_best_scores_so_far_of_a_whole_table() -> None:
    table = recorded_table()
    assert table.shape == (24, 13, 8)
    assert (np.diff(table, axis=2) >= 0.0).all()
    assert ((table > 0.0) & (table <= 100.0)).all()
    seen = seeds_of("recorded")
    draw = TABLES["recorded"](np.random.default_rng(0), seen)
    whole = np.concatenate([draw.curves[:, :, -1], draw.fresh], axis=1)
    assert np.sort(whole, axis=None) == pytest.approx(np.sort(table[:, :, -1], axis=None))
    assert draw.truth == pytest.approx(whole.mean(axis=1))


def test_the_page_shows_the_policies_that_are_compared() -> None:
    page = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")
    tables = [section for section in page.split("\n## ") if "| policy |" in section]
    shown = [set(re.findall(r"^\| (\S.*?) \| \d", section, re.MULTILINE)) for section in tables]
    shapes = {"one number": (50, 1), "recorded": recorded_table().shape[::2], "synthetic": (50, 27)}
    compared = [{each.name for each in policies(*shapes[name], seeds_of(name))} for name in shapes]
    assert shown == compared
