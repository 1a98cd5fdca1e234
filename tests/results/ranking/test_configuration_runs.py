"""The one view of configurations: journals and tables give the same, whatever runs did and in whatever order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import handmade
from hypothesis import given, settings
from hypothesis import strategies as st

from results.ranking.configuration_runs import confirmation_race, of_histories, of_table
from results.ranking.leaderboard import leaderboard
from results.records.confirmation_rules import AllRule, HalvingRule, RaceRule
from results.records.dataset import open_sweep
from results.records.histories import read_runs
from results.records.layout import SweepLayout
from results.records.manifest import create_sweep
from results.records.objectives import Constraint, Objectives
from results.records.run_journal import RunJournal
from results.records.schemas import RunKey, RunState

SEEDS = (0, 1, 2)
ENDS = st.sampled_from([RunState.FINISHED, RunState.FINISHED, RunState.FAILED, RunState.PRUNED, None])
RUN = st.tuples(ENDS, st.floats(0.4, 0.9).map(lambda score: round(score, 2)), st.integers(10, 20))
RULES = st.sampled_from([AllRule(), HalvingRule(), RaceRule(max_error=0.4)])


@settings(max_examples=40)
@given(
    runs=st.dictionaries(st.tuples(st.integers(0, 4), st.sampled_from(SEEDS)), RUN, min_size=1),
    rule=RULES,
    direction=st.sampled_from(["max", "min"]),
    limit=st.none() | st.floats(0.5, 0.8),
)
def test_what_is_decided_from_journals_is_what_the_table_shows(
    runs: dict[tuple[int, int], tuple[RunState | None, float, int]],
    rule: AllRule | HalvingRule | RaceRule,
    direction: str,
    limit: float | None,
) -> None:
    constraints = () if limit is None else (Constraint(measure="valid_weighted_f1", at_least=limit),)
    objectives = Objectives.of_metric("accuracy", "max" if direction == "max" else "min", constraints)
    with tempfile.TemporaryDirectory() as folder:
        layout = SweepLayout(Path(folder) / "sweep")
        manifest = handmade.manifest("sweep").model_copy(
            update={
                "objectives": objectives,
                "search_seeds": SEEDS[:1],
                "confirm_seeds": SEEDS[1:],
                "evaluate_seeds": (),
                "confirmation": rule,
                "search_ranks": True,
            }
        )
        create_sweep(layout, manifest, spec="name: sweep\ndata: {name: x}\n")
        for (number, seed), (state, score, epochs) in runs.items():
            _record(layout, number, seed, state, score, epochs)
        results = open_sweep(layout)
        live = of_histories(read_runs(layout), manifest.objectives.measures)
        from_disk = of_table(results.runs, manifest.objectives.measures)
    assert live == from_disk
    race = confirmation_race(live, manifest)
    assert race == confirmation_race(from_disk, manifest)
    board = leaderboard(results.runs, results.manifest)
    eliminated = {config_id for each in race.rounds for config_id in each.eliminated}
    assert {entry.config_id for entry in board.eliminated} == eliminated
    assert {entry.config_id for entry in board.ranked} <= live.keys() - eliminated


def _record(
    layout: SweepLayout, number: int, seed: int, state: RunState | None, score: float, epochs: int
) -> None:
    key = RunKey(handmade.config_id(str(number)), seed)
    with RunJournal.begin(
        layout,
        key,
        phase="search" if seed == 0 else "confirm",
        role="candidate",
        number=number,
        config={},
        values={},
        parameters=epochs,
    ) as journal:
        for epoch in range(1, 3):
            row = {**handmade.epoch_row(score, epoch), "valid_weighted_f1": score - 0.05}
            journal.epoch(row)
        if state is not None:
            journal.end(state, "")
