"""Runs are shown as they are in the records, each seed by itself, and no tracker can cost a sweep anything."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from canaries import CANARIES, leaks
from driven_sweep import Sweep, assert_equal_records
from event_files import parameters, scalars
from tiny_sweep import SHORTEST, YAML, begin, checked_sweep

from causalmer_core.basics.errors import UserError
from results.records.layout import SweepLayout
from sweeps.jobs.job import Job
from sweeps.progress.trackers import Tracking
from sweeps.setup import preflight
from sweeps.spec import sections as tracking_section
from sweeps.spec.sections import TrackingSection

TENSORBOARD = TrackingSection(tensorboard=True)
SMALL = (
    YAML.replace("num_configs: 5", "num_configs: 2")
    .replace(
        "seeds: {confirm: 2, evaluate: 2, top_k: 2}", "seeds: {search: 2, confirm: 0, evaluate: 1, top_k: 1}"
    )
    .replace("debiasing: {trials: 64}", "debiasing: {methods: []}")
)


@dataclass
class StandIn:
    """What is read of a trial of Ray's."""

    trial_id: str
    config: dict[str, Any]
    last_result: dict[str, Any] = field(default_factory=dict)


def row(epoch: int, value: float) -> dict[str, Any]:
    return {"epoch": epoch, "phase": "search", "is_best": True, "train_loss": value, "constant_text": None}


def shown(
    layout: SweepLayout,
    job: Job,
    notify: list[str],
    section: TrackingSection = TENSORBOARD,
) -> None:
    """A block of two seeds, the second of which becomes NaN an epoch sooner, is shown."""
    tracking = Tracking(layout, section, notify.append)
    trial = StandIn("a", {"job": job.to_json()})
    with tracking.showing() as callbacks:
        for callback in callbacks:
            callback.on_trial_start(0, [], trial)
            for epoch in (1, 2):
                rows = [row(epoch, 1 / epoch), row(1, 0.5)]
                trial.last_result = {"scores": [0.5, None], "rows": rows, "states": ["finished", "nan"]}
                callback.on_trial_result(epoch, [], trial, trial.last_result)
            callback.on_trial_complete(2, [], trial)


def job_of(folder: Path, **changes: Any) -> tuple[SweepLayout, Job]:
    sweep = checked_sweep(folder)
    config = sweep.configurations.paper
    values = {"values": {"model.fusion": "mask", "loss.alpha": 0.1}, **changes}
    return begin(sweep), Job(
        config=config, seeds=(3, 4), phase="search", role="candidate", number=0, **values
    )


def test_every_seed_of_a_block_is_a_run_of_its_own_with_its_parameters(tmp_path: Path) -> None:
    said: list[str] = []
    layout, job = job_of(tmp_path)
    shown(layout, job, said)
    first, second = (layout.tracking / key.stem for key in job.keys)
    assert scalars(first)["ray/tune/train_loss"] == {1: 1.0, 2: 0.5}
    assert scalars(first)["ray/tune/score"] == {1: 0.5, 2: 0.5}
    assert scalars(second)["ray/tune/train_loss"] == {1: 0.5}
    assert parameters(first) == {"model.fusion", "loss.alpha", "config_id", "seed", "phase", "role"}
    assert said == []


def test_a_contender_is_shown_with_the_searched_values_of_its_configuration(tmp_path: Path) -> None:
    layout, job = job_of(tmp_path, values=None)
    shown(layout, job, [])
    searched = {"model.fusion", "loss.alpha", "loss.beta", "optimiser.learning_rates.backbone"}
    assert searched <= parameters(layout.tracking / job.key.stem)


@pytest.mark.filterwarnings("default")  # MLflow's own are not ours to mend
def test_mlflow_has_each_seed_as_a_run_with_its_state(tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="MLflow, an extra, is not installed")
    store = f"sqlite:///{tmp_path}/mlflow.db"
    said: list[str] = []
    layout, job = job_of(tmp_path)
    shown(layout, job, said, TrackingSection.model_validate({"mlflow": {"tracking_uri": store}}))
    client = tracking.MlflowClient(tracking_uri=store)
    experiment = client.get_experiment_by_name("tiny")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    first, second = (runs[key.stem] for key in job.keys)
    assert (first.info.status, second.info.status) == ("FINISHED", "FAILED")
    assert (first.data.params["loss.alpha"], first.data.params["seed"]) == ("0.1", "3")
    losses = client.get_metric_history(first.info.run_id, "train_loss")
    assert {loss.step: loss.value for loss in losses} == {1: 1.0, 2: 0.5}
    assert said == []


def test_a_tracker_that_fails_is_told_once_and_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    layout, job = job_of(tmp_path)
    layout.tracking.touch()  # no folder can be made here
    shown(layout, job, said)
    (line,) = said
    assert line.startswith("note: tracking.tensorboard is switched off: ")
    assert line.endswith("; the sweep continues without it")


def test_a_sweep_that_tracks_nothing_gives_ray_no_callback(tmp_path: Path) -> None:
    with Tracking(SweepLayout(tmp_path), TrackingSection(), print).showing() as callbacks:
        assert callbacks == []


def test_a_missing_package_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tracking_section.MODULES, "mlflow", "no_such_module")
    with pytest.raises(UserError) as caught:
        checked_sweep(tmp_path, tracking={"mlflow": {}})
    assert str(caught.value) == (
        "tracking.mlflow: the package 'no_such_module' is not installed; pip install 'causalmer[mlflow]', or remove "
        "the key"
    )
    assert caught.value.path == ("tracking", "mlflow")  # type: ignore[attr-defined]
    assert not (tmp_path / "runs").exists()
    assert preflight.check_installed("tensorboard") is None


@pytest.mark.slow
def test_a_sweep_shows_what_it_records_and_records_the_same_where_a_tracker_is_broken(tmp_path: Path) -> None:
    for folder in ("shown", "broken", "hook"):
        (tmp_path / folder).mkdir()
    sweep = Sweep(tmp_path / "shown", SMALL)
    sweep.done("run", "--cpus", "1", "--set", "tracking.tensorboard=true")
    for (config_id, seed), epochs in sweep.results.epochs.groupby(["config_id", "seed"]):
        found = scalars(sweep.layout.tracking / f"{config_id}-s{seed}")
        for name in ("train_loss", "valid_task_loss", "valid_accuracy", "learning_rate"):
            wanted = dict(zip(epochs["epoch"], epochs[name], strict=True))
            assert found[f"ray/tune/{name}"].keys() == wanted.keys()
            assert all(math.isclose(found[f"ray/tune/{name}"][e], wanted[e], rel_tol=1e-5) for e in wanted)
    violated = Sweep(tmp_path / "broken", SMALL)
    (tmp_path / "hook" / "sitecustomize.py").write_text(
        "import tensorboardX\n"
        "def broken(*a, **k): raise OSError('no space left')\n"
        "tensorboardX.SummaryWriter = broken\n"
    )
    violated.environment["PYTHONPATH"] = str(tmp_path / "hook")
    output = violated.done("run", "--cpus", "1", "--set", "tracking.tensorboard=true")
    assert output.count("note: tracking.tensorboard is switched off: OSError: no space left") == 1
    assert_equal_records(sweep, violated)


@pytest.mark.slow
def test_the_key_of_weights_and_biases_is_in_no_file(tmp_path: Path, ray_files: Path) -> None:
    pytest.importorskip("wandb", reason="Weights & Biases, an extra, is not installed")
    sweep = Sweep(tmp_path, SHORTEST)
    sweep.environment = {**CANARIES, "RAY_TMPDIR": str(ray_files)}
    sweep.done("run", "--cpus", "1", "--set", "tracking.wandb={project: p, mode: offline}")
    assert [*sweep.layout.tracking.rglob("offline-run-*")]
    assert leaks(tmp_path, ray_files) == []
