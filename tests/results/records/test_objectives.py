"""Objectives and constraints on a hand-made sweep in which the rules have different, known answers."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import handmade
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from causalmer_core.basics.errors import UserError
from results.ranking.configuration_runs import mean_objective_values, objective_values
from results.ranking.leaderboard import Leaderboard, leaderboard
from results.ranking.selection import choose, read_selection, select
from results.records.dataset import SweepResults, open_sweep
from results.records.histories import read_runs
from results.records.layout import SweepLayout
from results.records.manifest import SweepManifest, create_sweep
from results.records.objectives import Constraint, Objective, Objectives
from results.records.run_journal import RunJournal
from results.records.schemas import RunState
from results.report.leaderboard_table import leaderboard_table
from results.report.report import render
from results.report.table import Table
from sweeps.cli.output import Screen
from sweeps.cli.status import status_of
from sweeps.search.results import best_candidates

TRUTH = {
    0: (0.70, 0.60, 100),
    1: (0.78, 0.70, 200),  # the knee
    2: (0.80, 0.50, 2000),  # the best mean within the constraint
    3: (0.77, 0.69, 300),  # number 1 is better in everything
    4: (0.82, 0.30, 2000),  # the best mean of all, blind without one of the modalities
}
"""Means of accuracy and of its worst without a modality, and parameters."""
OFF = {0: 0.0, 1: -0.01, 2: 0.01, 3: 0.0}
OBJECTIVES = Objectives(
    primary=Objective(measure="valid_accuracy", direction="max"),
    further=(Objective(measure="parameters", direction="min"),),
    constraints=(Constraint(measure="worst_missing_accuracy", at_least=0.45),),
)


def sweep(folder: Path, objectives: Objectives = OBJECTIVES, **changes: Any) -> SweepLayout:
    layout = SweepLayout(folder / "wanted")
    fields = {"objectives": objectives, "search_ranks": True, **changes}
    create_sweep(
        layout, handmade.manifest("wanted").model_copy(update=fields), spec="name: wanted\ndata: {name: x}\n"
    )
    for number, (accuracy, worst, parameters) in TRUTH.items():
        for seed, off in OFF.items():
            begin(layout, number, seed, accuracy + off, worst - off, parameters)
    return layout


def begin(
    layout: SweepLayout, number: int, seed: int, accuracy: float, worst: float, parameters: int
) -> None:
    name = str(number)
    with RunJournal.begin(
        layout,
        handmade.key(name, seed),
        phase="search" if seed == 0 else "confirm",
        role="candidate",
        number=number,
        config=handmade.config(name),
        parameters=parameters,
    ) as journal:
        for epoch in range(1, 5):
            lacking = {"worst_missing_accuracy": worst + handmade.CURVE[epoch - 1]} if epoch <= 3 else {}
            journal.epoch({**handmade.epoch_row(accuracy, epoch), **lacking})
        journal.end(RunState.FINISHED)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> SweepResults:
    return open_sweep(sweep(tmp_path_factory.mktemp("objectives")))


def shown(what: list[Table]) -> str:
    text = io.StringIO()
    Console(file=text, width=200).print(Screen(what))
    return text.getvalue()


def test_the_tables_have_what_is_missed_without_a_modality_at_the_best_epoch(results: SweepResults) -> None:
    runs = results.runs.set_index(["number", "seed"])
    for number, (_, worst, _) in TRUTH.items():
        for seed, off in OFF.items():
            assert runs.at[(number, seed), "worst_missing_accuracy"] == pytest.approx(worst - off)
    epochs = results.epochs
    assert (epochs["worst_missing_accuracy"].notna() == epochs["is_best"]).all()


def test_the_ranking_holds_who_keeps_the_constraints_with_the_number_of_its_front(board: Leaderboard) -> None:
    assert [(entry.number, entry.front) for entry in board.ranked] == [(2, 1), (1, 1), (3, 2), (0, 1)]
    assert [entry.number for entry in board.front] == [2, 1, 0]
    (infeasible,) = board.infeasible
    assert infeasible.number == 4
    assert infeasible.violated == ("worst_missing_accuracy 0.3 is below 0.45",)
    assert not infeasible.selectable
    assert {entry.number for entry in board.entries} == set(TRUTH)


def test_the_rules_differ_as_the_truth_says(results: SweepResults, tmp_path: Path) -> None:
    assert choose(results, "best_mean").number == 2
    assert choose(results, "knee").number == 1
    free = open_sweep(sweep(tmp_path, OBJECTIVES.model_copy(update={"constraints": ()})))
    assert choose(free, "best_mean").number == 4
    assert choose(free, "knee").number == 1


def test_a_selection_says_the_front_and_why_others_are_none(results: SweepResults) -> None:
    chosen = select(results, "knee")
    assert read_selection(results.layout) == chosen
    assert chosen.measured == pytest.approx(
        {"valid_accuracy": 0.78, "parameters": 200, "worst_missing_accuracy": 0.70}
    )
    assert {point.number: point.values["parameters"] for point in chosen.front} == {2: 2000, 1: 200, 0: 100}
    reasons = "\n".join(chosen.reasons)
    assert "the Pareto front over valid_accuracy and parameters contains #2, #1, #0" in reasons
    assert "#4 cannot be selected: worst_missing_accuracy 0.3 is below 0.45" in reasons
    assert {"parameters", "worst_missing_accuracy"} < set(chosen.columns)


def test_where_all_violate_a_constraint_nothing_is_selected(tmp_path: Path) -> None:
    none = OBJECTIVES.model_copy(update={"constraints": (Constraint(measure="parameters", at_most=50.0),)})
    with pytest.raises(UserError, match=r"every configuration .*#2: parameters 2000 is above 50"):
        choose(open_sweep(sweep(tmp_path, none)))


def test_a_seed_set_that_was_not_measured_whole_keeps_no_constraint(tmp_path: Path) -> None:
    layout = sweep(tmp_path)
    with RunJournal.begin(  # the attempt that counts lacks the measure
        layout,
        handmade.key("1", 2),
        phase="confirm",
        role="candidate",
        number=1,
        config=handmade.config("1"),
        parameters=200,
    ) as journal:
        for epoch in range(1, 5):
            journal.epoch(handmade.epoch_row(0.79, epoch))
        journal.end(RunState.FINISHED)
    results = open_sweep(layout)
    infeasible = leaderboard(results.runs, results.manifest).infeasible
    assert (1, ("worst_missing_accuracy was not measured",)) in [(e.number, e.violated) for e in infeasible]


@pytest.mark.parametrize(
    ("objectives", "top_k", "confirmed"),
    [
        (OBJECTIVES, 3, [2, 1, 0]),  # the front goes before number 3, which has the better score
        (OBJECTIVES, 9, [2, 1, 0, 3]),  # and who violates a constraint is not confirmed beside others
        (OBJECTIVES.model_copy(update={"further": ()}), 3, [2, 1, 3]),
        (Objectives.of_metric("accuracy", "max"), 2, [4, 2]),
        (
            Objectives.of_metric(
                "accuracy", "max", constraints=(Constraint(measure="parameters", at_most=50.0),)
            ),
            2,
            [0, 1],
        ),  # the nearest
    ],
)
def test_the_fronts_are_confirmed_one_after_another(
    results: SweepResults, objectives: Objectives, top_k: int, confirmed: list[int]
) -> None:
    histories = read_runs(results.layout)
    found = best_candidates(histories, (0,), objectives, top_k)
    assert [history.number for history in found] == confirmed


def test_what_is_shown_names_objectives_constraints_and_who_violates_them(results: SweepResults) -> None:
    table, status, page = (
        shown([leaderboard_table(results)]),
        shown(status_of(results.layout)),
        render(results),
    )
    for text in (table, status, page):
        assert "valid_accuracy (more is better), parameters (less is better)" in text
        assert "worst_missing_accuracy at least 0.45" in text
    for text in (table, page):
        assert "#4 violates a constraint: worst_missing_accuracy 0.3 is below 0.45" in text
    assert "infeasible" in table


def test_a_run_is_measured_at_its_best_epoch_and_by_what_it_cost(results: SweepResults) -> None:
    first = read_runs(results.layout)[0]
    found = objective_values(
        first, ("parameters", "epochs", "seconds", "valid_accuracy", "worst_missing_mae")
    )
    accuracy, _, parameters = TRUTH[first.number or 0]
    costs = {"parameters": parameters, "epochs": 4, "seconds": 8.0}
    assert found == pytest.approx({**costs, "valid_accuracy": accuracy + OFF[first.key.seed]})


def test_a_manifest_names_measures_of_its_metrics_only() -> None:
    manifest = handmade.manifest()
    for measure in ("valid_mae", "accuracy", "test_accuracy"):
        wrong = Objectives.of_metric(
            "accuracy", "max", constraints=(Constraint(measure=measure, at_least=0.0),)
        )
        with pytest.raises(ValueError, match=f"no measures of a run: {measure}"):
            SweepManifest.model_validate({**dict(manifest), "objectives": wrong})


@given(st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6))
def test_a_constraint_is_violated_beyond_its_limits_and_only_there(
    value: float, low: float | None, high: float | None
) -> None:
    constraint = Constraint(measure="epochs", at_least=low, at_most=high)
    within = (low is None or value >= low) and (high is None or value <= high)
    assert (constraint.violation(value) <= 0) == within
    assert (constraint.words(value) == "") == within


def test_a_mean_is_of_what_all_have() -> None:
    assert mean_objective_values([{"a": 1.0, "b": 2.0}, {"a": 3.0}]) == {"a": 2.0}
    assert mean_objective_values([]) == {}
    assert math.isinf(OBJECTIVES.violation({}))
