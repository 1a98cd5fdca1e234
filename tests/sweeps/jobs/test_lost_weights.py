"""A run whose weights cannot be used is trained again, where an evaluation needs them, and ends as it had ended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from object_server import ObjectServer
from tiny_sweep import YAML, begin, checked_sweep, compared_rows, train
from trained_sweep import SEEDS, Trained

from results.evaluation.final_evaluation import runs_to_evaluate
from results.records.histories import RunHistory, read_run
from results.records.locate import SCRATCH_VARIABLE
from results.records.schemas import RunKey, RunState
from sweeps.jobs.job import Job
from sweeps.jobs.lost_weights import reopen_without_weights
from sweeps.jobs.reopen import job_of


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    Trained(folder).train()
    return folder


@pytest.fixture
def trained(template: Path, tmp_path: Path) -> Trained:
    """A sweep with all contenders trained, and nothing evaluated."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Trained(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The same, evaluated."""
    shutil.copytree(template, folder := tmp_path_factory.mktemp("undisturbed"), dirs_exist_ok=True)
    evaluated = Trained(folder)
    evaluated.evaluate()
    return evaluated


def reopened(trained: Trained) -> tuple[list[RunHistory], list[tuple[RunKey, str]]]:
    said: list[tuple[RunKey, str]] = []
    needed = runs_to_evaluate(trained.layout, trained.contenders)
    runs = reopen_without_weights(trained.layout, needed, lambda run, why: said.append((run.key, why)))
    return runs, said


def history(trained: Trained, key: RunKey) -> RunHistory:
    found = read_run(trained.layout, key)
    assert found is not None
    return found


def evaluations(trained: Trained) -> list[dict[str, Any]]:
    dropped = ("time", "attempt")
    return [{k: v for k, v in row.items() if k not in dropped} for row in trained.evaluations]


def _lose(weights: Path, _: Path) -> None:
    weights.unlink()


def _empty(weights: Path, _: Path) -> None:
    weights.write_bytes(b"")


def _replace(weights: Path, other: Path) -> None:
    weights.write_bytes(other.read_bytes())


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (_lose, "no weights"),
        (_empty, "best.safetensors: it is empty"),
        (_replace, "best.safetensors: its weights are of seed 1001, and those of 1000 are needed"),
    ],
)
def test_a_run_whose_weights_cannot_be_used_is_trained_again_and_evaluated_as_an_undisturbed_one(
    undisturbed: Trained, trained: Trained, harm: Callable[[Path, Path], None], fault: str
) -> None:
    first, second = (RunKey(trained.contenders["selected"], seed) for seed in SEEDS)
    weights = trained.layout.best_weights(first)
    harm(weights, trained.layout.best_weights(second))
    damaged = weights.read_bytes() if weights.exists() else None
    reason = f"to be trained again, because its weights cannot be used: {fault}"
    (run,), said = reopened(trained)
    assert said == [(first, reason)]
    assert (history(trained, first).state, history(trained, first).reason) == (RunState.INTERRUPTED, reason)
    beside = trained.layout.damaged_weights(first)
    assert (beside.read_bytes() if beside.exists() else None) == damaged

    assert reopened(trained) == ([history(trained, first)], []), "a killed driver trains it, and says it once"
    train(job_of(run), trained.sweep)
    assert history(trained, first).state is RunState.FINISHED
    assert compared_rows(history(trained, first)) == compared_rows(history(undisturbed, first))
    assert reopened(trained) == ([], [])
    assert trained.evaluate()
    assert evaluations(trained) == evaluations(undisturbed)


def test_nothing_is_trained_again_where_every_evaluation_is_on_record(trained: Trained) -> None:
    trained.evaluate()
    for config_id in trained.contenders.values():
        trained.layout.best_weights(RunKey(config_id, SEEDS[0])).unlink()
    assert reopened(trained) == ([], [])


def test_a_run_that_ranks_is_reopened_in_its_own_phase(tmp_path: Path) -> None:
    """Sweeps of older versions evaluate the runs of the search and of the confirmation."""
    begin(sweep := checked_sweep(tmp_path, YAML, base__trainer__max_epochs=1))
    work = Job(
        config=sweep.configurations.base, seeds=(1,), phase="confirm", role="candidate", number=3, values={}
    )
    train(work, sweep)
    sweep.layout.best_weights(work.key).unlink()
    (run,) = reopen_without_weights(sweep.layout, [work.key], lambda *_: None)
    assert job_of(run) == work
    train(job_of(run), sweep)
    found = read_run(sweep.layout, work.key)
    assert found is not None
    assert (found.state, found.phase, found.number, found.values) == (RunState.FINISHED, "confirm", 3, {})
    assert sweep.layout.best_weights(work.key).exists()


def test_on_an_object_store_the_damaged_file_is_kept_beside_too(
    server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SCRATCH_VARIABLE, str(tmp_path / "scratch"))
    sweep = checked_sweep(tmp_path, storage=server.uri(tmp_path.name), base__trainer__max_epochs=1)
    begin(sweep)
    work = Job(config=sweep.configurations.base, seeds=(1,), phase="confirm", role="candidate")
    train(work, sweep)
    weights = sweep.layout.best_weights(work.key)
    weights.write_bytes(b"of something else")
    sweep.layout.store.push(weights)
    assert len(reopen_without_weights(sweep.layout, [work.key], lambda *_: None)) == 1
    place = f"{tmp_path.name}/tiny"
    folder = f"checkpoints/{work.key.stem}"
    assert server.read(f"{place}/{folder}/best.safetensors.damaged") == b"of something else"
    assert f"{folder}/best.safetensors" not in server.names(place)
    assert train(work, sweep).state is RunState.FINISHED
    assert f"{folder}/best.safetensors" in server.names(place)
