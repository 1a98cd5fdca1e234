"""Two sweeps held against one another, with known truth: the other one's winner is better by 0.05 on every seed."""

from __future__ import annotations

import json
from pathlib import Path

import handmade
import pytest
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from results.ranking.selection import select
from results.records.dataset import SweepResults, open_sweep
from results.report.comparison import Compared, compare
from sweeps.cli.main import app

BETTER = {**handmade.SCORES, "1": {0: 0.78, 1: 0.85, 2: 0.79, 3: 0.82}}


def whole(folder: Path, name: str) -> SweepResults:
    layout = handmade.whole_sweep(folder, name)
    select(open_sweep(layout))
    return open_sweep(layout)


@pytest.fixture
def first(tmp_path: Path) -> SweepResults:
    return whole(tmp_path, "first")


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SweepResults:
    monkeypatch.setattr(handmade, "SCORES", BETTER)
    monkeypatch.setattr(handmade, "WINNER", "1")
    return whole(tmp_path, "second")


def line(lines: tuple[Compared, ...], what: str) -> Compared:
    (found,) = (one for one in lines if one.what == what)
    return found


def test_scores_on_common_seeds_are_compared_in_pairs(first: SweepResults, second: SweepResults) -> None:
    found = compare(second, first)
    tested = line(found.scores, "selected, test accuracy")
    assert tested.difference is not None
    assert tested.difference.mean == pytest.approx(0.05)
    assert tested.how == "paired over 3 seeds"
    assert tested.first is not None
    assert tested.first.mean == pytest.approx(0.82 - handmade.TEST_GAP)
    paper = line(found.scores, "paper, test accuracy")
    assert paper.difference is not None
    assert (paper.difference.mean, paper.p_value) == (0.0, 1.0)


def test_p_values_are_corrected_for_their_number(first: SweepResults, second: SweepResults) -> None:
    """Four lines; three seeds give a sign-flip test no less than 0.25, and Holm 1."""
    found = compare(second, first)
    assert len(found.scores) == 4
    assert {one.p_value for one in found.scores} == {1.0}


def test_scores_on_different_seeds_are_compared_by_welch(first: SweepResults, second: SweepResults) -> None:
    rows = second.evaluations.copy()
    rows.loc[rows["contender"] == "selected", "seed"] += 10
    second.evaluations = rows
    found = line(compare(second, first).scores, "selected, test accuracy")
    assert found.how == "different seeds, Welch's t test"
    assert found.difference is not None
    assert found.difference.mean == pytest.approx(0.05)


def test_what_differs_in_the_selected_configurations_is_named(
    first: SweepResults, second: SweepResults
) -> None:
    found = compare(second, first)
    assert found.settings == {"model.backbone.layers": (2, 3)}
    assert found.names == ("second", "first")
    assert found.costs[0][0] == 21


def test_a_sweep_that_has_selected_nothing_is_said_to(first: SweepResults, tmp_path: Path) -> None:
    other = open_sweep(handmade.empty_sweep(tmp_path, "other"))
    found = compare(first, other)
    assert "other has no selection yet" in found.method_warnings
    assert {one.how for one in found.scores} == {"one of the sweeps has no such score"}


def test_what_cannot_be_compared_is_refused(first: SweepResults, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="both are the sweep first-"):
        compare(first, first)
    other = handmade.empty_sweep(tmp_path, "other")
    handmade.redigested(other.manifest, dataset_fingerprint="beef")
    with pytest.raises(UserError, match=r"different data: synthetic \(feed\) and synthetic \(beef\)"):
        compare(first, open_sweep(other))
    handmade.redigested(other.manifest, dataset_fingerprint="feed", monitor="weighted_f1")
    with pytest.raises(UserError, match="first monitors accuracy and other weighted_f1"):
        compare(first, open_sweep(other))
    handmade.redigested(other.manifest, monitor="accuracy")
    with pytest.raises(
        UserError, match="--metric f2: not a metric of both sweeps; allowed accuracy, weighted_f1"
    ):
        compare(first, open_sweep(other), "f2")


@pytest.mark.usefixtures("first", "second")
def test_the_command_prints_it_and_gives_it_as_json(tmp_path: Path) -> None:
    arguments = ["results", "compare", "second", "first", "--storage", str(tmp_path)]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    assert "second and first: test accuracy" in shown.output
    assert "model.backbone.layers  2       3" in shown.output
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert [row["sweep"] for row in told["costs"]] == ["second", "first"]
    assert told["scores"][1]["difference"]["mean"] == pytest.approx(0.05)
