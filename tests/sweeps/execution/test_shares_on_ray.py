"""Shares of GPUs under a real Ray, on a GPU that is one to Ray alone: probes, tries again with more, and threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from driven_sweep import PATIENCE
from tiny_backbones import distribution

from results.records.histories import RunHistory, read_runs
from results.records.layout import SweepLayout
from results.records.schemas import RunState
from results.storage.journal import read_journal
from sweeps.gpu_memory.share_plan import recorded_measures

pytestmark = pytest.mark.slow

HUNGRY = '''
import json, os
from pathlib import Path
from typing import Literal

import ray
import torch
from threadpoolctl import threadpool_info
from torch import nn

from causalmer_core.config.backbone_config import BackboneConfig
from causalmer_core.backbones.base import Backbone, BackboneOutput
from causalmer_core.basics.modality import MODALITIES
from causalmer_core.layers.padding import averaged_to


class HungryConfig(BackboneConfig):
    name: Literal["hungry"] = "hungry"
    hidden_dim: int = 4
    needs: float = 0.0


class Hungry(Backbone):
    """Needs a share of a GPU, and says what its process has."""

    config_type = HungryConfig

    def __init__(self, config, shape):
        super().__init__()
        self.needs = config.needs
        self.hidden = nn.Linear(sum(shape.widths.values()), config.hidden_dim)
        self.head = nn.Linear(config.hidden_dim, shape.num_outputs)

    @property
    def feature_width(self):
        return self.hidden.out_features

    def forward(self, batch):
        if ray.is_initialized() and ray.get_runtime_context().get_actor_id() is not None:
            self.eat()
        means = [averaged_to(batch[m], batch.mask(m), 1).squeeze(1) for m in MODALITIES]
        features = torch.relu(self.hidden(torch.cat(means, dim=1)))
        logits = self.head(features)
        return BackboneOutput(logits, features, auxiliary_loss=logits.new_zeros(()))

    def eat(self):
        has = ray.get_runtime_context().get_assigned_resources()
        said = {
            "has": has,
            "torch": torch.get_num_threads(),
            "between": torch.get_num_interop_threads(),
            "environment": [os.environ[name + "_NUM_THREADS"] for name in ("OMP", "MKL")],
            "libraries": sorted({library["num_threads"] for library in threadpool_info()}),
        }
        with (Path(os.environ["WITNESS"])).open("a") as file:
            file.write(json.dumps(said) + "\\n")
        if has.get("GPU", 0.0) < self.needs:
            raise torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 8 GiB."
            )
'''

YAML = """\
name: shares
data:
  name: tiny
  synthetic: {seed: 0, train: 16, valid: 8, test: 8, emotions: 1, time: 2}
base:
  model: {debiasing: none, backbone: {name: hungry}}
  trainer: {max_epochs: 1}
space:
  model.backbone.hidden_dim: {int: [2, 512]}
search: {num_configs: 2}
seeds: {confirm: 1, evaluate: 1, top_k: 1}
"""

SCRIPT = """
import sys
from pathlib import Path

import ray
from tiny_sweep import begin, checked_sweep

from cluster.connection.connect import local_ray
from cluster.resources.trial_resources import TrialShare
from sweeps.driver import run_context
from sweeps.jobs.source import JobList
from sweeps.jobs.job import Job
from sweeps.execution.runner import run_jobs
from sweeps.gpu_memory.share_plan import plan_shares
from sweeps.execution.shares import same_for_all
from results.records.histories import read_run

folder, yaml = Path(sys.argv[1]), sys.argv[2]


class Told:
    def notify(self, text): print(text, flush=True)
    def run_started(self, job): pass
    def epoch_done(self, key, epoch, score): pass
    def run_ended(self, run): pass
    def run_stopped(self, key, why, *, again): print(f"{key.seed}: {why}", flush=True)


def jobs(sweep, seeds, **values):
    paths = {f"model.backbone.{name}": value for name, value in values.items()}
    config = sweep.configurations.base.with_values(paths)
    return [Job(config=config, seeds=(seed,), phase="confirm", role="candidate") for seed in seeds]


def run(sweep, jobs, shares):
    source = JobList(jobs, lambda key: read_run(sweep.layout, key))
    context, told = run_context(sweep, "cpu"), Told()
    run_jobs(source, source.next_job(), layout=sweep.layout, context=context, shares=shares, retries=0, observer=told)


def begun(name, **values):
    sweep = checked_sweep(folder, yaml, name=name, **values)
    begin(sweep)
    return sweep


with local_ray(cpus=2, gpus=1):
    fed = begun("fed")
    share = same_for_all(fed.layout, TrialShare(cpu=0.5, gpu=0.2))
    run(fed, [*jobs(fed, (0,), needs=0.4), *jobs(fed, (2,), needs=0.9)], share)

    busy = begun("busy", resources__cpu=2.0)
    run(busy, jobs(busy, (3,)), same_for_all(busy.layout, busy.spec.resources.least))

    auto = begun("auto", resources__gpu="auto", resources__cpu=1.0)
    small, large = jobs(auto, (0,), hidden_dim=2), jobs(auto, (1,), hidden_dim=512)
    for _ in range(2):
        plan = plan_shares(auto, small[0], print, device="cpu")
    run(auto, [*small, *large], plan.shares)

    none = begun("none", resources__gpu="auto", resources__accelerator="H100")
    print("trains on", plan_shares(none, small[0], print).device)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What three sweeps under one Ray left behind."""
    folder = tmp_path_factory.mktemp("shares")
    with distribution(folder / "their_package", {"hungry": HUNGRY}, {"hungry": "hungry:Hungry"}):
        path = os.pathsep.join([str(folder / "their_package"), str(Path(__file__).parents[2] / "helpers")])
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("RAY_", "OMP_", "MKL_"))
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder), YAML],
            env={**kept, "PYTHONPATH": path, "WITNESS": str(folder / "witness")},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    (folder / "said").write_text(done.stdout, encoding="utf-8")
    return folder


def layout(folder: Path, name: str) -> SweepLayout:
    return SweepLayout(folder / "runs" / name)


def runs(folder: Path, name: str) -> dict[int, RunHistory]:
    return {run.key.seed: run for run in read_runs(layout(folder, name), reconcile=True)}


def witnessed(folder: Path, cpu: float) -> list[dict[str, Any]]:
    """What the processes of trials with so many cores said."""
    said = map(json.loads, (folder / "witness").read_text(encoding="utf-8").splitlines())
    return [line for line in said if line["has"]["CPU"] == cpu]


def ends(folder: Path, name: str, seed: int) -> list[dict[str, Any]]:
    files = sorted(layout(folder, name).run_journals.glob(f"*-s{seed}-a*.jsonl"))
    return [read_journal(file)[-1] for file in files]


def test_what_outgrew_its_share_finishes_with_twice_of_it(folder: Path) -> None:
    run = runs(folder, "fed")[0]
    assert run.state is RunState.FINISHED
    assert [span[2] for span in run.spans] == [0.2, 0.4]
    first, last = ends(folder, "fed", 0)
    assert (first["state"], first["out_of_share"], last["state"]) == ("interrupted", 0.2, "finished")
    assert "Tried to allocate 2.00 GiB; the run had 0.2 of the GPU" in first["reason"]


def test_what_outgrows_its_raised_share_too_is_out_of_memory_and_says_what_it_had(folder: Path) -> None:
    run = runs(folder, "fed")[2]
    assert run.state is RunState.OOM
    assert run.reason == ("CUDA out of memory. Tried to allocate 2.00 GiB; the run had 0.4 of the GPU")
    assert [end["state"] for end in ends(folder, "fed", 2)] == ["interrupted", "oom"]
    said = (folder / "said").read_text(encoding="utf-8")
    assert (
        "2: CUDA out of memory. Tried to allocate 2.00 GiB; the run had 0.2 of the GPU; resumes with 0.4"
        in said
    )


def test_a_raised_share_is_on_record_for_when_the_sweep_goes_on(folder: Path) -> None:
    rows = [row for row in read_journal(layout(folder, "fed").shares) if row["kind"] == "raised"]
    assert {row["config_id"] for row in rows} == {run.key.config_id for run in runs(folder, "fed").values()}
    assert [row["gpu"] for row in rows] == [0.4, 0.4]


@pytest.mark.parametrize(("cpu", "threads"), [(0.5, 1), (2.0, 2)])
def test_threads_of_a_trial_follow_its_share_of_the_cpu(folder: Path, cpu: float, threads: int) -> None:
    lines = witnessed(folder, cpu)
    assert lines
    for line in lines:
        assert (line["torch"], line["between"]) == (threads, 1)
        assert line["environment"] == [str(threads)] * 2
        assert line["libraries"] == [threads]


def test_the_largest_and_the_drawn_configuration_are_measured_once(folder: Path) -> None:
    measures = recorded_measures(layout(folder, "auto"))
    assert [measure.of for measure in measures] == ["largest", "drawn"]
    assert measures[0].size > measures[1].size
    assert all(measure.total > measure.taken > 0 for measure in measures)
    assert len(read_journal(layout(folder, "auto").shares)) == 2
    said = (folder / "said").read_text(encoding="utf-8")
    assert said.count("uses the measurement of") == 1
    assert said.count("resources.gpu: auto: the largest configuration") == 2


def test_where_no_node_has_a_gpu_runs_train_on_cpus_and_it_is_said(folder: Path) -> None:
    said = (folder / "said").read_text(encoding="utf-8")
    assert "resources.gpu: auto: no node has a GPU, so runs train on CPUs" in said
    assert "trains on cpu" in said


def test_runs_have_the_share_of_the_gpu_and_the_memory_that_was_measured(folder: Path) -> None:
    found, (largest, drawn) = runs(folder, "auto"), recorded_measures(layout(folder, "auto"))
    assert {run.state for run in found.values()} == {RunState.FINISHED}
    assert found[0].spans[-1][2] == drawn.share
    assert found[1].spans[-1][2] == largest.share
    placed = witnessed(folder, 1.0)
    assert placed
    assert all(line["has"]["memory"] >= largest.host for line in placed)
