"""Choosing after training in a sweep: on record before the test split is opened, and never chosen twice."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_sweep import begin, checked_sweep, train
from trained_sweep import forget

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import subset_name, subsets
from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import RunConfig
from results.evaluation.debiasing_records import read_records
from results.evaluation.final_evaluation import final_evaluation
from results.records.layout import SweepLayout
from results.records.schemas import RunKey, RunState
from results.storage.journal import decode_line, read_journal
from sweeps.debiasing.phase import debias
from sweeps.jobs.evaluate import contender_configs
from sweeps.jobs.job import Job
from sweeps.spec.configurations import undebiased
from sweeps.spec.problems import SpecMismatchError

SEEDS = (1000, 1001)
METHODS = ["paper", "configured", "learned", "searched"]
PREDICTIONS = {"tie", "tie:paper", "tie:learned", "tie:searched", "factual", "backbone"}


class Trained:
    """A sweep with all contenders trained, and nothing chosen yet."""

    def __init__(self, folder: Path, **overrides: Any) -> None:
        options = {"base__trainer__max_epochs": 1, **overrides}
        self.sweep = checked_sweep(folder, **options)
        self.layout: SweepLayout = self.sweep.layout
        base = self.sweep.configurations.base
        weights = {"text": 0.5, "audio": 1.0, "vision": 1.5}
        self.selected: RunConfig = base.with_values(
            {"model.fusion": "sum", "model.initial_constant": 0.2, "model.debiasing_weights": weights}
        )

    def train(self) -> None:
        begin(self.sweep)
        for config in (self.selected, self.sweep.configurations.paper, undebiased(self.selected)):
            for seed in self.sweep.spec.seed_plan().evaluate:
                train(Job(config=config, seeds=(seed,), phase="evaluate", role="candidate"), self.sweep)

    def debias(self) -> list[tuple[int, str]]:
        chosen = debias(self.layout, self.sweep.spec, self.selected, data_root=self.sweep.data_root)
        return [(key.seed, record.method) for key, record in chosen]

    def evaluate(self) -> bool:
        compared = contender_configs(self.sweep.configurations, self.selected)
        return final_evaluation(self.layout, compared, data_root=self.sweep.data_root)

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows = read_journal(self.layout.evaluation_journal)
        return [row for row in rows if row["kind"] == "evaluation"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    Trained(folder).train()
    return folder


@pytest.fixture
def trained(template: Path, tmp_path: Path) -> Trained:
    """A fresh copy of the trained sweep."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Trained(tmp_path)


def test_every_seed_gets_every_vector_without_a_look_at_the_test_split(trained: Trained) -> None:
    hidden = list((trained.sweep.data_root / "tiny").rglob("test_*"))
    assert hidden
    for file in hidden:
        file.unlink()
    assert trained.debias() == [(seed, method) for seed in SEEDS for method in METHODS]
    for seed in SEEDS:
        found = read_records(trained.layout)[RunKey(config_id(trained.selected), seed)]
        assert list(found) == METHODS
        assert found["paper"].vector.weights == (1.0, 1.0, 1.0)
        assert found["configured"].vector.weights == (0.5, 1.0, 1.5)
        assert found["learned"].vector.constants == found["paper"].vector.constants
        assert len(found["searched"].fold_gains) == len(found["learned"].fold_gains) == 5
        assert found["paper"].gain is None
    assert not trained.layout.evaluation_journal.exists()


def test_what_a_kill_left_out_is_chosen_later_and_the_rest_never_again(trained: Trained) -> None:
    phase = debias(trained.layout, trained.sweep.spec, trained.selected, data_root=trained.sweep.data_root)
    for _ in range(3):
        next(phase)
    phase.close()
    before = trained.layout.debiasing_journal.read_bytes()
    assert trained.debias() == [(SEEDS[0], "searched"), *((SEEDS[1], method) for method in METHODS)]
    after = trained.layout.debiasing_journal.read_bytes()
    assert after.startswith(before)
    shutil.rmtree(trained.layout.root / "checkpoints")
    assert trained.debias() == []
    assert trained.layout.debiasing_journal.read_bytes() == after


def test_the_choice_is_the_same_in_every_sweep_of_the_file(trained: Trained) -> None:
    trained.debias()
    first = read_records(trained.layout)
    forget(trained.layout, trained.layout.debiasing_journal)
    trained.debias()
    assert read_records(trained.layout) == first


def test_every_prediction_is_evaluated_on_every_subset_with_its_numbers(trained: Trained) -> None:
    trained.debias()
    assert trained.evaluate()
    selected = [row for row in trained.rows if row["contender"] == "selected"]
    found = {(row["seed"], row["present"], row["prediction"]) for row in selected}
    assert found == {(s, subset_name(p), name) for s in SEEDS for p in subsets() for name in PREDICTIONS}
    assert len(selected) == len(found)
    records = read_records(trained.layout)[RunKey(config_id(trained.selected), SEEDS[0])]
    of_seed = {
        row["prediction"]: row for row in selected if (row["seed"], row["present"]) == (SEEDS[0], "tav")
    }
    assert of_seed["tie"]["weight_vision"] == 1.5
    assert of_seed["tie:learned"]["weight_text"] == records["learned"].vector.w_text
    assert of_seed["tie:learned"]["valid_gain"] == pytest.approx(records["learned"].gain.mean)  # type: ignore[union-attr]
    assert of_seed["tie:searched"]["valid_gain_low"] <= of_seed["tie:searched"]["valid_gain"]
    assert "valid_gain" not in of_seed["tie"]
    assert "weight_text" not in of_seed["factual"]
    others = {row["prediction"] for row in trained.rows if row["contender"] in ("paper", "undebiased")}
    assert others == {"tie", "backbone"}
    assert not trained.evaluate()


def test_an_evaluation_killed_between_predictions_goes_on_with_them(trained: Trained) -> None:
    trained.debias()
    trained.evaluate()
    whole = trained.layout.evaluation_journal.read_bytes().splitlines(keepends=True)
    forget(trained.layout, trained.layout.evaluation_journal)
    trained.layout.evaluation_journal.write_bytes(b"".join(whole[:20]))
    assert trained.evaluate()
    keys = {(r["contender"], r["seed"], r["present"], r["prediction"]) for r in trained.rows}
    assert (
        len(keys) == 2 * 8 * (6 + 1 + 1) + 1 + 8
    )  # the majority once, the linear classifier for every subset


def test_a_seed_that_was_not_evaluated_yet_is_chosen_for_like_the_others(trained: Trained) -> None:
    """A sweep that grows by a seed after its test split was opened."""
    trained.debias()
    trained.evaluate()
    second = RunKey(config_id(trained.selected), SEEDS[1])
    for path in (trained.layout.evaluation_journal, trained.layout.debiasing_journal):
        lines = path.read_bytes().splitlines(keepends=True)
        forget(trained.layout, path)
        path.write_bytes(b"".join(line for line in lines if not mentions(line, second)))
    assert trained.debias() == [(SEEDS[1], method) for method in METHODS]
    assert trained.evaluate()
    found = {(row["seed"], row["prediction"]) for row in trained.rows if row["contender"] == "selected"}
    assert found == {(seed, name) for seed in SEEDS for name in PREDICTIONS}


def mentions(line: bytes, key: RunKey) -> bool:
    row = decode_line(line.rstrip(b"\n"))
    assert row is not None
    return (row["config_id"], row.get("seed")) == (key.config_id, key.seed)


def test_a_run_that_failed_is_named_with_its_reason_before_anything_is_chosen(trained: Trained) -> None:
    job = Job(config=trained.selected, seeds=(SEEDS[1],), phase="evaluate", role="candidate")
    with job.begin(trained.layout, job.key) as journal:
        journal.end(RunState.FAILED, "Traceback ...\nFileNotFoundError: no ALBERT there")
    with pytest.raises(UserError, match=r"s1001 \(failed: FileNotFoundError: no ALBERT there\)"):
        trained.debias()
    assert not trained.layout.debiasing_journal.exists()


def test_nothing_is_chosen_by_another_runs_weights(trained: Trained) -> None:
    one, two = (trained.layout.best_weights(RunKey(config_id(trained.selected), seed)) for seed in SEEDS)
    two.write_bytes(one.read_bytes())
    with pytest.raises(UserError, match=r"s1001 \(best\.safetensors: its weights are of seed 1000"):
        trained.debias()
    assert not trained.layout.debiasing_journal.exists()


def test_nothing_is_chosen_once_the_test_split_has_been_opened(trained: Trained) -> None:
    trained.evaluate()
    assert trained.debias() == []
    assert not trained.layout.debiasing_journal.exists()
    assert {row["prediction"] for row in trained.rows if row["contender"] == "selected"} == {"tie"}


@pytest.mark.parametrize(("methods", "chosen"), [([], []), (["learned"], ["paper", "configured", "learned"])])
def test_only_the_methods_asked_for_are_used(
    template: Path, tmp_path: Path, methods: list[str], chosen: list[str]
) -> None:
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    assert Trained(tmp_path, debiasing__methods=methods).debias() == [(s, m) for s in SEEDS for m in chosen]


def test_a_configuration_without_counterfactuals_has_nothing_to_choose(trained: Trained) -> None:
    trained.selected = trained.selected.with_values({"model.debiasing": "late_fusion"})
    assert trained.debias() == []


def test_too_small_a_validation_split_is_a_mistake_in_the_file_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(
        SpecMismatchError, match="at least 3 folds of the validation split, which has 2 samples"
    ) as error:
        checked_sweep(tmp_path, data__synthetic__valid=2)
    assert error.value.path == ("debiasing", "folds")
    checked_sweep(tmp_path, data__synthetic__valid=2, debiasing__methods=[])
