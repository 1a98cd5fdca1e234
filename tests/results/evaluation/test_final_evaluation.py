"""The test split is opened once, for one selection, with everything there that it is opened for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tiny_sweep import record_run
from trained_sweep import SEEDS, Killed, Trained, forget, journal_that_dies

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.modality import MODALITIES, subset_name, subsets
from causalmer_core.basics.task import Task, TaskKind
from causalmer_core.config.identity import config_id
from causalmer_core.datasets.batches import Batches, chosen_statistics
from causalmer_core.datasets.store import MissingDataError, dataset_folder, open_test_split, write_dataset
from causalmer_core.datasets.synthetic import SyntheticConfig, make_synthetic
from causalmer_core.measures.ablation import Ablation
from causalmer_core.training.checkpoint import load_tensors, save_tensors
from causalmer_core.training.evaluation import evaluate
from causalmer_core.training.trained_model import load_trained
from results.evaluation.final_evaluation import runs_to_evaluate
from results.evaluation.prediction_rows import metric_columns
from results.records.run_journal import RunJournal
from results.records.schemas import RunKey, RunState
from sweeps.jobs.job import Job


def test_every_contender_seed_and_subset_is_evaluated_and_the_opening_stands_before_it(
    trained: Trained,
) -> None:
    assert trained.evaluate()
    assert trained.rows[0]["kind"] == "opening"
    assert trained.openings == [trained.contenders["selected"]]
    found = [(row["contender"], row["config_id"], row["seed"], row["present"]) for row in trained.evaluations]
    linear = [("linear", None, None, subset_name(subset)) for subset in subsets()]
    expected = [("majority", None, None, "tav"), *linear] + [
        (name, config, seed, subset_name(subset))
        for name, config in trained.contenders.items()
        for seed in SEEDS
        for subset in subsets()
    ]
    assert found == expected
    predictions = {(row["contender"], row["prediction"]) for row in trained.evaluations}
    assert predictions == {
        ("majority", "majority"),
        ("linear", "linear"),
        ("selected", "tie"),
        ("paper", "tie"),
        ("undebiased", "backbone"),
    }


def test_a_second_call_evaluates_nothing_even_without_the_weights(trained: Trained) -> None:
    trained.evaluate()
    before = trained.layout.evaluation_journal.read_bytes()
    shutil.rmtree(trained.layout.root / "checkpoints")
    assert not trained.evaluate()
    assert not trained.evaluate(again=True)
    assert trained.layout.evaluation_journal.read_bytes() == before


def test_another_selection_is_refused_unless_asked_for_and_then_stands_in_the_ledger(
    trained: Trained,
) -> None:
    trained.evaluate()
    before = trained.layout.evaluation_journal.read_bytes()
    first, other = trained.contenders["selected"], trained.contenders["paper"]
    swapped = {"selected": other, "paper": other}
    with pytest.raises(
        UserError, match=f"opened for configuration {first}, and the selection is now {other}.*--again"
    ):
        trained.evaluate(swapped)
    assert trained.layout.evaluation_journal.read_bytes() == before
    assert trained.evaluate(swapped, again=True)
    assert trained.openings == [first, other]
    assert [row["contender"] for row in trained.evaluations].count("majority") == 1
    assert [row["contender"] for row in trained.evaluations].count("linear") == 8


def _lose_weights(trained: Trained, key: RunKey) -> None:
    trained.layout.best_weights(key).unlink()


def _never_start(trained: Trained, key: RunKey) -> None:
    trained.layout.run_journal(key, 1).unlink()


def _kill(trained: Trained, key: RunKey) -> None:
    config = next(config for config in trained.configs if config_id(config) == key.config_id)
    record_run(
        trained.layout, Job(config=config, seeds=(key.seed,), phase="confirm", role="paper"), [0.5], None
    )


def _prune(trained: Trained, key: RunKey) -> None:
    config = next(config for config in trained.configs if config_id(config) == key.config_id)
    job = Job(config=config, seeds=(key.seed,), phase="confirm", role="paper")
    record_run(trained.layout, job, [0.5], RunState.PRUNED)


@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (_lose_weights, "no weights"),
        (_never_start, "never started"),
        (_kill, "lost"),
        (_prune, "pruned"),
    ],
)
@pytest.mark.parametrize("contender", ["selected", "paper", "undebiased"])
def test_a_run_that_is_missing_is_named_before_the_split_is_opened(
    trained: Trained, harm: Callable[[Trained, RunKey], None], word: str, contender: str
) -> None:
    key = RunKey(trained.contenders[contender], SEEDS[1])
    harm(trained, key)
    with pytest.raises(UserError, match=rf"missing: {key.stem} \({word}\).*causalmer resume"):
        trained.evaluate()
    assert trained.rows == []


def _swap_runs(trained: Trained, key: RunKey) -> None:
    """The weights of another contender with the same seed."""
    other = next(c for c in map(config_id, trained.configs) if c != key.config_id)
    _swap(trained, key, RunKey(other, key.seed))


def _swap_seeds(trained: Trained, key: RunKey) -> None:
    _swap(trained, key, RunKey(key.config_id, SEEDS[0]))


def _swap(trained: Trained, key: RunKey, other: RunKey) -> None:
    one, two = trained.layout.best_weights(key), trained.layout.best_weights(other)
    ours, theirs = one.read_bytes(), two.read_bytes()
    one.write_bytes(theirs)
    two.write_bytes(ours)


def _put_back_an_older_epoch(trained: Trained, key: RunKey) -> None:
    path = trained.layout.best_weights(key)
    tensors, metadata = load_tensors(path)
    save_tensors(path, tensors, {**metadata, "epoch": 0})


def _flip_exponent_bits(trained: Trained, key: RunKey) -> None:
    path = trained.layout.best_weights(key)
    content = bytearray(path.read_bytes())
    for place in range(1, 400, 4):  # the highest byte of a number holds most of its exponent
        content[-place] ^= 0x40
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (_swap_runs, "its weights are of config_id '[0-9a-f]{16}', and those of '[0-9a-f]{16}' are needed"),
        (_swap_seeds, "its weights are of seed 1000, and those of 1001 are needed"),
        (_put_back_an_older_epoch, "its weights are of epoch 0, and those of 1 are needed"),
        (_flip_exponent_bits, "its bytes do not match its digest"),
    ],
)
def test_weights_that_are_damaged_or_from_elsewhere_are_named_before_the_split_is_opened(
    trained: Trained, harm: Callable[[Trained, RunKey], None], fault: str
) -> None:
    key = RunKey(trained.contenders["selected"], SEEDS[1])
    harm(trained, key)
    with pytest.raises(UserError, match=rf"{key.stem} \(best\.safetensors: {fault}\).*causalmer resume"):
        trained.evaluate()
    assert trained.rows == []


def test_weights_are_needed_only_where_an_evaluation_is_missing(trained: Trained) -> None:
    every = {RunKey(config, seed) for config in trained.contenders.values() for seed in SEEDS}
    assert runs_to_evaluate(trained.layout, trained.contenders) == every
    trained.evaluate()
    assert runs_to_evaluate(trained.layout, trained.contenders) == set()
    assert runs_to_evaluate(trained.layout, trained.contenders, kinds=("zero", "mean")) == every


@pytest.mark.parametrize("rows", [1, 2, 3, 12, 48])
def test_an_evaluation_that_is_killed_goes_on_with_what_is_missing(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("results.evaluation.final_evaluation.Journal", journal_that_dies(rows))
        with pytest.raises(Killed):
            trained.evaluate()
    before = trained.rows
    assert len(before) == rows
    assert trained.evaluate()
    assert trained.rows[:rows] == before
    assert len(trained.openings) == 1
    keys = {(row["contender"], row["seed"], row["present"]) for row in trained.evaluations}
    assert len(keys) == 3 * 2 * 8 + 1 + 8
    values: dict[Any, set[float]] = {}
    for row in trained.evaluations:
        values.setdefault((row["contender"], row["seed"], row["present"]), set()).add(row["accuracy"])
    assert all(len(found) == 1 for found in values.values())
    assert not trained.evaluate()


def write_data(trained: Trained, seed: int) -> None:
    """Write the sweep's data (seed 0), or others of the same form, and make them current."""
    made = make_synthetic(SyntheticConfig(seed=seed, train=64, valid=32, test=32, time=4))
    write_dataset(trained.sweep.data_root, "tiny", task=made.task, splits=made.splits, force=True)


def scores(trained: Trained) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "time"} for row in trained.evaluations]


def test_other_data_under_the_same_name_change_no_score(trained: Trained) -> None:
    trained.evaluate()
    undisturbed = scores(trained)
    forget(trained.layout, trained.layout.evaluation_journal)
    write_data(trained, 9)
    assert trained.evaluate()
    assert scores(trained) == undisturbed


def test_data_that_are_gone_are_named_before_the_split_is_opened(trained: Trained) -> None:
    write_data(trained, 9)
    version = trained.sweep.data.fingerprint
    shutil.rmtree(dataset_folder(trained.sweep.data_root, "tiny", version))
    with pytest.raises(MissingDataError, match=f"'tiny' in .* has no version {version[:16]}; .*--force"):
        trained.evaluate()
    assert trained.openings == []
    write_data(trained, 0)
    assert trained.evaluate()


def test_one_altered_label_of_the_test_split_gives_no_score(trained: Trained) -> None:
    path = dataset_folder(trained.sweep.data_root, "tiny") / "test_labels.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:])
    with pytest.raises(DamagedFileError, match=r"test_labels\.npy is damaged: .*checksum.*--force"):
        trained.evaluate()
    assert trained.evaluations == []
    write_data(trained, 0)
    assert path.read_bytes() == whole
    assert trained.evaluate()
    assert len(trained.openings) == 1


def test_the_majority_row_is_the_share_of_the_commonest_training_label(trained: Trained) -> None:
    trained.evaluate()
    (row,) = [row for row in trained.evaluations if row["contender"] == "majority"]
    test = open_test_split(trained.sweep.data_root, "tiny")
    commonest = float(np.mean(trained.sweep.data.train.labels) > 0.5)
    assert row["accuracy"] == pytest.approx(np.mean(np.asarray(test.labels) == commonest))
    assert (row["samples"], row["split"], row["present"]) == (32, "test", "tav")


def test_each_row_is_its_own_runs_best_epoch_with_the_other_modalities_removed(trained: Trained) -> None:
    trained.evaluate()
    data = trained.sweep.data
    test = open_test_split(trained.sweep.data_root, "tiny")
    for config in trained.configs:
        key = RunKey(config_id(config), SEEDS[1])
        loaded = load_trained(trained.layout.best_weights(key), data)
        statistics = chosen_statistics(data, config.data.standardise)
        batches = Batches(test, statistics, size=7, device=torch.device("cpu"))
        for subset in subsets():
            ablation = Ablation(modalities=frozenset(MODALITIES) - subset)
            expected = evaluate(loaded.model, batches, config.loss, ablation=ablation).metrics
            (row,) = [
                row
                for row in trained.evaluations
                if (row["config_id"], row["seed"], row["present"])
                == (key.config_id, SEEDS[1], subset_name(subset))
            ]
            assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_an_attempt_that_was_resumed_is_named_in_the_row(trained: Trained) -> None:
    key = RunKey(trained.contenders["selected"], SEEDS[0])
    config = trained.selected.model_dump(mode="json")
    with RunJournal.begin(
        trained.layout, key, phase="confirm", role="candidate", number=0, config=config
    ) as journal:
        journal.end(RunState.FINISHED)
    trained.evaluate()
    attempts = {(row["config_id"], row["seed"]): row["attempt"] for row in trained.evaluations}
    assert attempts[key.config_id, SEEDS[0]] == 2
    assert attempts[key.config_id, SEEDS[1]] == 1


def test_a_row_says_which_of_its_metrics_are_easy() -> None:
    task = Task(kind=TaskKind.EMOTIONS, labels=("positive",))
    decisions = np.array([[1], [0], [1]])
    both, single = (
        metric_columns(task, decisions, decisions),
        metric_columns(task, decisions, np.ones((3, 1), np.int64)),
    )
    assert (both["notes"], both["accuracy"]) == ("", 1.0)
    assert single["notes"] == "only one value of positive is present, so predicting it always is perfect"
