"""A whole sweep for accuracy, for what is left of it without a modality, and for few parameters, by its records."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from driven_sweep import Sweep
from tiny_sweep import YAML

from causalmer_core.basics.modality import Modality
from causalmer_core.datasets.store import open_training_data
from causalmer_core.measures.ablation import Ablation
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import load_trained
from results.ranking.selection import read_selection
from results.records.schemas import RunKey
from results.statistics.pareto import fronts, knee

SECTIONS = """\
objectives:
  - {metric: accuracy}
  - {worst_missing: accuracy}
  - {cost: parameters}
constraints:
  - {cost: parameters, at_most: LIMIT}
selection: {rule: knee}
confirmation: {name: all}
"""
WIDTHS = "  model.text_branch.hidden_dim: {choice: [8, 16, 32]}\n"
LIMIT = 30_000
"""Parameters; the widest text branch has more."""
MEASURES = ["valid_accuracy", "worst_missing_accuracy", "parameters"]
DIRECTIONS = ("max", "max", "min")


CHANGES = {
    "space:\n": "space:\n" + WIDTHS,
    "num_configs: 5": "num_configs: 6",
    "max_epochs: 3": "max_epochs: 2",
    "evaluate: 2, top_k: 2": "evaluate: 1, top_k: 3",
    "scheduler: {name: asha, grace_epochs: 1, reduction_factor: 2}": "scheduler: {name: none}",
}


def text() -> str:
    wanted = YAML
    for old, new in CHANGES.items():
        assert old in wanted
        wanted = wanted.replace(old, new)
    return wanted + SECTIONS.replace("LIMIT", str(LIMIT))


@pytest.mark.slow
def test_a_sweep_for_several_objectives_within_a_constraint_ends_with_its_knee(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, text())
    printed = sweep.done("run", "--cpus", "1")
    runs = sweep.results.runs
    assert (runs["state"] == "finished").all()
    searched = runs[runs["phase"] == "search"].set_index("number")
    assert (searched["parameters"] > LIMIT).any(), "no proposal violates the constraint"
    within = searched[searched["parameters"] <= LIMIT]
    numbers = fronts(within[MEASURES].to_numpy(float).tolist(), DIRECTIONS)
    order = within.assign(front=numbers).sort_values(["front", "score"], ascending=[True, False])
    confirmed = set(runs.loc[runs["phase"] == "confirm", "number"])
    assert confirmed == set(order.index[:3])
    ranking = runs[runs["number"].isin(confirmed) & (runs["seed"] < 1000)]
    means = ranking.groupby("number")[MEASURES].mean()
    selection = read_selection(sweep.layout)
    assert selection is not None
    points = means.to_numpy(float).tolist()
    assert selection.number == means.index[knee(points, DIRECTIONS)]
    front = {number for number, at in zip(means.index, fronts(points, DIRECTIONS), strict=True) if at == 1}
    assert {point.number for point in selection.front} == front
    check_measured(sweep, runs)
    assert "worst_missing_accuracy" in printed
    assert "violates a constraint" in sweep.layout.report.read_text()
    assert json.loads(sweep.layout.selection.read_text())["rule"] == "knee"


def check_measured(sweep: Sweep, runs: pd.DataFrame) -> None:
    """What stands in the table is what the best weights give on validation without each modality in turn."""
    data = open_training_data(sweep.folder / "causalmer_data", "tiny")
    for row in runs.sort_values(["config_id", "seed"]).head(3).itertuples():
        trained = load_trained(sweep.layout.best_weights(RunKey(row.config_id, row.seed)), data)
        batches = trained.batches(data.valid, size=32)
        lacking = [
            evaluate(
                trained.model,
                batches,
                trained.config.loss,
                ablation=Ablation(modalities=frozenset({modality})),
            ).metrics["accuracy"]
            for modality in Modality
        ]
        assert row.worst_missing_accuracy == pytest.approx(min(lacking), abs=1e-9)
