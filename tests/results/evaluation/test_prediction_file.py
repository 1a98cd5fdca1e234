"""What each sample was predicted as: the very predictions that the metrics judge, with the logits they follow from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow.parquet as pq
import pytest
from bit_flips import flipped
from trained_sweep import SEEDS, Killed, Trained, forget, journal_that_dies

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.datasets.store import open_test_split
from causalmer_core.measures.metrics import compute_metrics
from results.records.dataset import open_sweep
from results.records.predictions_table import output_names, read_predictions
from results.records.schemas import BRANCHES, EFFECTS, RunKey, predictions_schema


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    trained = Trained(tmp_path_factory.mktemp("trained"))
    trained.train()
    trained.evaluate()
    return trained


def stacked(column: pd.Series) -> np.ndarray:
    return np.stack(column.to_numpy())


def test_every_sample_of_every_run_of_a_contender_has_one_row(evaluated: Trained) -> None:
    test = open_test_split(evaluated.sweep.data_root, evaluated.sweep.spec.data.name)
    found = open_sweep(evaluated.layout).predictions
    groups = found.groupby(["contender", "config_id", "seed"])
    expected = {(name, config, seed) for name, config in evaluated.contenders.items() for seed in SEEDS}
    assert set(groups.groups) == expected
    for _, rows in groups:
        assert rows["sample"].tolist() == [str(name) for name in test.ids]
        labels = stacked(rows["label"]).reshape(test.labels.shape)
        np.testing.assert_array_equal(labels, np.asarray(test.labels, np.float32))


def test_metrics_of_the_predictions_are_those_on_record(evaluated: Trained) -> None:
    results = open_sweep(evaluated.layout)
    task = evaluated.sweep.data.task
    recorded = results.evaluations.query("present == 'tav' and ablation == 'zero'")
    labels_of = open_test_split(evaluated.sweep.data_root, evaluated.sweep.spec.data.name).labels
    for (name, seed), rows in results.predictions.groupby(["contender", "seed"]):
        decisions = stacked(rows["predicted"]).reshape(labels_of.shape).astype(np.int64)
        metrics = compute_metrics(task, decisions, np.asarray(labels_of))
        one = (recorded["contender"] == name) & (recorded["seed"] == seed)
        (row,) = recorded[one].to_dict("records")
        assert {metric: row[metric] for metric in metrics} == pytest.approx(metrics)


def test_the_logits_of_a_counterfactual_run_are_te_less_its_direct_effects(evaluated: Trained) -> None:
    rows = open_sweep(evaluated.layout).predictions.query("contender == 'paper'")
    effects = {name: stacked(rows[name]) for name in EFFECTS}
    tie = effects["te"] - effects["nde_text"] - effects["nde_audio"] - effects["nde_vision"]
    np.testing.assert_allclose(stacked(rows["logits"]), tie, atol=1e-5)
    assert all(stacked(rows[name]).shape == tie.shape for name in BRANCHES)


def test_what_a_model_does_not_have_is_null(evaluated: Trained) -> None:
    rows = open_sweep(evaluated.layout).predictions.query("contender == 'undebiased'")
    assert rows[[*BRANCHES, *EFFECTS]].isna().all(axis=None)
    assert rows["logits"].notna().all()


def test_every_reader_reads_the_table_and_its_outputs_have_names(evaluated: Trained) -> None:
    folder, count = evaluated.layout.predictions, len(open_sweep(evaluated.layout).predictions)
    assert count > 0
    assert len(pd.read_parquet(folder)) == count
    assert polars.read_parquet(f"{folder}/*.parquet").height == count
    query = f"select count(*), max(len(logits)) from '{folder}/*.parquet'"
    (found,) = duckdb.sql(query).fetchall()
    names = output_names(evaluated.sweep.data.task)
    assert found == (count, len(names))
    for file in folder.iterdir():
        schema = pq.read_schema(file)
        assert schema.equals(predictions_schema())
        assert json.loads(schema.metadata[b"causalmer_outputs"]) == names


def test_the_table_knows_its_task(evaluated: Trained) -> None:
    assert read_predictions(evaluated.layout).task == evaluated.sweep.data.task


def test_outputs_of_each_task_have_names() -> None:
    emotions = Task(kind=TaskKind.EMOTIONS, labels=("happy", "sad"))
    assert output_names(emotions) == ["happy=0", "happy=1", "sad=0", "sad=1"]
    assert output_names(Task(kind=TaskKind.CLASSES, labels=("a", "b", "c"))) == ["a", "b", "c"]
    assert output_names(Task(kind=TaskKind.REGRESSION, labels=("sentiment",))) == ["sentiment"]


def test_a_kill_before_the_rows_leaves_whole_files_that_are_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluated: Trained
) -> None:
    shutil.copytree(evaluated.layout.root.parent.parent, tmp_path, dirs_exist_ok=True)
    trained = Trained(tmp_path)
    key = RunKey(trained.contenders["selected"], SEEDS[0])
    file = trained.layout.prediction_file("selected", key)
    whole = file.read_bytes()
    shutil.rmtree(trained.layout.predictions)
    forget(trained.layout, trained.layout.evaluation_journal)
    with monkeypatch.context() as patch:
        patch.setattr("results.evaluation.final_evaluation.Journal", journal_that_dies(10))
        with pytest.raises(Killed):
            trained.evaluate()
    assert [path.name for path in trained.layout.predictions.iterdir()] == [file.name]
    assert trained.evaluate()
    assert file.read_bytes() == whole
    assert len(list(trained.layout.predictions.iterdir())) == len(trained.contenders) * len(SEEDS)


@pytest.mark.parametrize("damage", ["flipped", "missing", "swapped"])
def test_damaged_files_are_written_again_and_nothing_is_evaluated_twice(
    tmp_path: Path, evaluated: Trained, damage: str
) -> None:
    shutil.copytree(evaluated.layout.root.parent.parent, tmp_path, dirs_exist_ok=True)
    trained = Trained(tmp_path)
    before, expected = trained.rows, read_predictions(trained.layout).frame
    file, other = (
        trained.layout.prediction_file(name, RunKey(trained.contenders[name], SEEDS[0]))
        for name in ("selected", "paper")
    )
    content, lines = file.read_bytes(), 1
    if damage == "flipped":
        file.write_bytes(flipped(content, 1000))
    elif damage == "missing":
        file.unlink()
    else:
        file.write_bytes(other.read_bytes())
        other.write_bytes(content)
        lines = 2
    with pytest.raises(DamagedFileError, match="'causalmer resume SWEEP\\.yaml'"):
        read_predictions(trained.layout)
    assert trained.evaluate()
    assert file.read_bytes() == content
    pd.testing.assert_frame_equal(read_predictions(trained.layout).frame, expected)
    assert trained.rows[: len(before)] == before
    assert [row["kind"] for row in trained.rows[len(before) :]] == ["predictions"] * lines
    assert not trained.evaluate()


def test_a_damaged_file_of_an_earlier_selection_is_written_again(tmp_path: Path, evaluated: Trained) -> None:
    shutil.copytree(evaluated.layout.root.parent.parent, tmp_path, dirs_exist_ok=True)
    trained = Trained(tmp_path)
    now = {**trained.contenders, "selected": trained.contenders["paper"]}
    assert trained.evaluate(now, again=True)
    file = trained.layout.prediction_file("selected", RunKey(trained.contenders["selected"], SEEDS[0]))
    content = file.read_bytes()
    file.unlink()
    assert trained.evaluate(now)
    assert file.read_bytes() == content
    assert not trained.evaluate(now)


def test_a_sweep_that_has_not_opened_the_test_split_has_an_empty_table(tmp_path: Path) -> None:
    trained = Trained(tmp_path)
    trained.train()
    found = open_sweep(trained.layout).predictions
    assert len(found) == 0
    assert list(found.columns) == predictions_schema().names
