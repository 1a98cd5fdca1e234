"""The ways of taking evidence away that a sweep asks for: each on record once, beside clean rows, as drawn alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from trained_sweep import SEEDS, Killed, Trained, forget, journal_that_dies

from causalmer_core.basics.modality import MODALITIES, subset_name, subsets
from causalmer_core.datasets.batches import Batches, chosen_statistics
from causalmer_core.datasets.store import open_test_split
from causalmer_core.measures.ablation import Ablation
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import load_trained
from results.evaluation.final_evaluation import ModalityAblation
from results.evaluation.modality_table import contribution_lines, gap_lines, rate_points
from results.records.dataset import open_sweep
from results.records.schemas import RunKey
from results.storage.journal import Journal

KINDS: tuple[ModalityAblation, ...] = ("zero", "mean", "permutation")
RATES = (0.25, 0.75)
SUBSETS = [subset_name(present) for present in subsets()]
ONE_RUN = [
    *(("zero", name, None) for name in SUBSETS),
    *(("mean", name, None) for name in SUBSETS[:-1]),
    *(("permutation", name, None) for name in SUBSETS[:-1]),
    *(("random_steps", "tav", rate) for rate in RATES),
    *(("spans", "tav", rate) for rate in RATES),
]


def of_runs(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the baselines, which have no seed."""
    return [row for row in rows if row["seed"] is not None]


def what(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["ablation"], row["present"], row["rate"]


def test_every_way_that_was_asked_for_is_evaluated_for_every_run(trained: Trained) -> None:
    assert trained.evaluate(kinds=KINDS, step_rates=RATES)
    rows = of_runs(trained.evaluations)
    assert [(row["contender"], row["seed"], *what(row)) for row in rows] == [
        (name, seed, *way) for name in trained.contenders for seed in SEEDS for way in ONE_RUN
    ]
    assert not trained.evaluate(kinds=KINDS, step_rates=RATES)


def test_what_is_asked_for_later_is_added_and_nothing_done_again(trained: Trained) -> None:
    trained.evaluate()
    before = trained.rows
    assert {what(row)[0] for row in of_runs(trained.evaluations)} == {"zero"}
    assert trained.evaluate(kinds=("zero", "permutation"), step_rates=(0.25,))
    assert trained.rows[: len(before)] == before
    assert trained.evaluate(kinds=KINDS, step_rates=RATES)
    counts = Counter((row["contender"], row["seed"], *what(row)) for row in trained.evaluations)
    assert set(counts.values()) == {1}
    assert len(of_runs(trained.evaluations)) == 3 * len(SEEDS) * len(ONE_RUN)
    assert len(trained.openings) == 1
    assert not trained.evaluate()


@pytest.mark.parametrize("rows", [19, 25, 38])
def test_an_evaluation_that_is_killed_among_removals_goes_on_and_does_nothing_twice(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("results.evaluation.final_evaluation.Journal", journal_that_dies(rows))
        with pytest.raises(Killed):
            trained.evaluate(kinds=KINDS, step_rates=RATES)
    before = trained.rows
    assert trained.evaluate(kinds=KINDS, step_rates=RATES)
    assert trained.rows[:rows] == before
    counts = Counter((row["contender"], row["seed"], *what(row)) for row in trained.evaluations)
    assert set(counts.values()) == {1}
    assert len(of_runs(trained.evaluations)) == 3 * len(SEEDS) * len(ONE_RUN)


def test_each_row_is_its_own_run_with_that_removal_drawn_by_its_own_seed(trained: Trained) -> None:
    trained.evaluate(kinds=KINDS, step_rates=RATES)
    data, test = trained.sweep.data, open_test_split(trained.sweep.data_root, "tiny")
    found: dict[tuple[Any, ...], dict[str, Any]] = {
        (row["contender"], row["seed"], *what(row)): row for row in trained.evaluations
    }
    changed = 0
    means = {m: s.mean for m, s in data.statistics.items()}
    for name, config_id in trained.contenders.items():
        loaded = load_trained(trained.layout.best_weights(RunKey(config_id, SEEDS[1])), data)
        statistics = chosen_statistics(data, loaded.config.data.standardise)
        batches = Batches(test, statistics, size=7, device=torch.device("cpu"), means=means)
        for kind, present, rate in ONE_RUN:
            whole = [m for m in MODALITIES if rate is not None or m.letter not in present.replace("none", "")]
            ablation = Ablation(kind=kind, modalities=frozenset(whole), rate=rate, seed=SEEDS[1])  # type: ignore[arg-type]
            expected = evaluate(loaded.model, batches, loaded.config.loss, ablation=ablation).metrics
            row = found[name, SEEDS[1], kind, present, rate]
            assert {metric: row[metric] for metric in expected} == pytest.approx(expected), (
                name,
                kind,
                present,
            )
            changed += row["accuracy"] != found[name, SEEDS[1], "zero", "tav", None]["accuracy"]
    assert changed > len(ONE_RUN)


def test_journals_without_removals_are_read_as_zero_and_not_evaluated_again(trained: Trained) -> None:
    trained.evaluate()
    rows = trained.rows
    forget(trained.layout, trained.layout.evaluation_journal)
    with Journal.open(trained.layout.evaluation_journal) as journal:
        for row in rows:
            journal.append({name: value for name, value in row.items() if name not in ("ablation", "rate")})
    assert not trained.evaluate()
    table = open_sweep(trained.layout).evaluations
    assert len(table) == len(trained.evaluations)
    assert set(table["ablation"]) == {"zero"}
    assert table["rate"].isna().all()
    assert len(gap_lines(open_sweep(trained.layout))) == 4


def test_contributions_of_an_evaluated_sweep_sum_to_full_minus_empty(trained: Trained) -> None:
    trained.evaluate(kinds=KINDS, step_rates=RATES)
    results = open_sweep(trained.layout)
    lines = contribution_lines(results)
    assert [(line.ablation, line.contender.name) for line in lines] == [
        *(("zero", name) for name in (*trained.contenders, "linear")),
        *((kind, name) for kind in ("mean", "permutation") for name in trained.contenders),
    ]
    metric = results.manifest.monitor
    for line in lines:
        whole, none = (line.contender.interval(metric, present) for present in ("tav", "none"))
        assert whole is not None
        assert none is not None
        shares = sum(share.mean for share in line.contributions.values())
        assert shares == pytest.approx(whole.mean - none.mean, abs=1e-12)
        assert line.total.mean == pytest.approx(shares, abs=1e-12)
    assert len(rate_points(results)) == 3 * 2 * (1 + len(RATES))
