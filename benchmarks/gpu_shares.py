"""Trials that share one GPU: `python benchmarks/gpu_shares.py [--at-once 1 2 4 8] [--seeds 16] [--plot shares.html]`.

One configuration (MulT at the published size without branches, on synthetic data) with so many seeds, each a trial,
under a private Ray: 1, 2, 4 and 8 at once, each held to its share of the device. Printed for each: seeds an hour, from
the first start line to the last end line of the records, starting processes included; the largest memory that a trial
took of the device; and what the probe of `resources.gpu: auto` predicts, which is the same for all. `--plot` draws it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import plotly.graph_objects as go
import torch

from cluster.connection.connect import local_ray
from cluster.nodes.memory_probe import Probed, probed
from cluster.resources.trial_resources import GIB, TrialShare
from results.records.histories import read_run, read_runs
from results.records.run_journal import run_journal_files
from results.storage.journal import read_journal
from sweeps.driver import run_context
from sweeps.execution.run_session import RunContext
from sweeps.execution.runner import run_jobs
from sweeps.execution.shares import Shares
from sweeps.jobs.job import Job
from sweeps.jobs.source import JobList
from sweeps.setup.preflight import CheckedSweep, preflight
from sweeps.setup.sweep_folder import begin_sweep
from sweeps.spec.sweep_spec import load_spec

YAML = """\
name: shares-{at_once}
storage: {folder}/runs
data:
  name: shared
  root: {folder}/data
  synthetic: {{seed: 0, train: 2048, valid: 512, test: 8, emotions: 4, time: 50}}
base:
  model: {{debiasing: none}}
  trainer: {{max_epochs: 3, batch_size: 32}}
"""


class Quiet:
    """Hears of runs and says only what goes wrong."""

    def notify(self, text: str) -> None:
        print(text)

    def run_started(self, job: Job) -> None:
        """Nothing."""

    def epoch_done(self, key: object, epoch: int, score: float | None) -> None:
        """Nothing."""

    def run_ended(self, run: object) -> None:
        """Nothing."""

    def run_stopped(self, key: object, why: str, *, again: bool) -> None:
        print(f"{key}: {why}")


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no GPU that torch can use on this machine, and this measures one")
    rows = []
    with tempfile.TemporaryDirectory() as folder, local_ray(gpus=1):
        context_bytes, predicted = prediction(checked(Path(folder), 0))
        print("at once  seeds/hour  peak GiB  predicted GiB  difference")
        for at_once in given.at_once:
            pace, peak = measured(checked(Path(folder), at_once), at_once, given.seeds, context_bytes)
            rows.append((at_once, pace))
            apart = peak / predicted - 1
            print(f"{at_once:7d}  {pace:10.1f}  {peak / GIB:8.2f}  {predicted / GIB:13.2f}  {apart:+.1%}")
    if given.plot is not None:
        draw(rows, given.plot)


def checked(folder: Path, at_once: int) -> CheckedSweep:
    """A sweep that so many trials at once are part of."""
    file = folder / f"{at_once}.yaml"
    file.write_text(YAML.format(at_once=at_once, folder=folder), encoding="utf-8")
    return preflight(load_spec(file))


def prediction(sweep: CheckedSweep) -> tuple[int, int]:
    """Of a trial on the device, in bytes: CUDA's own, and all together."""
    config = sweep.configurations.base
    root = str(sweep.data_root.resolve())
    found = probed(Probed(config.model_dump_json(), (0,), root, sweep.spec.data.name), TrialShare())
    return found["context"], found["peak"] + found["context"]


def measured(sweep: CheckedSweep, at_once: int, seeds: int, context_bytes: int) -> tuple[float, float]:
    """Seeds an hour, and the most that a trial took of the device, CUDA's own included, in bytes."""
    begin_sweep(sweep)
    config = sweep.configurations.base
    jobs = [Job(config=config, seeds=(seed,), phase="confirm", role="candidate") for seed in range(seeds)]
    source = JobList(jobs[1:], lambda key: read_run(sweep.layout, key))
    share = TrialShare(cpu=0.9 / at_once, gpu=1 / at_once)
    context: RunContext = replace(run_context(sweep, "cuda"), threads=1)
    run_jobs(
        source,
        jobs[0],
        layout=sweep.layout,
        context=context,
        shares=Shares(sweep.layout, lambda _: share, context_bytes),
        retries=0,
        observer=Quiet(),
    )
    times = [
        datetime.fromisoformat(text)
        for run in read_runs(sweep.layout, reconcile=True)
        for span in run.spans
        for text in span[:2]
    ]
    hours = (max(times) - min(times)).total_seconds() / 3600
    peaks = [read_journal(path)[-1]["peak_bytes"] for path in run_journal_files(sweep.layout)]
    return seeds / hours, max(peaks) + context_bytes


def draw(rows: list[tuple[int, float]], path: Path) -> None:
    """Seeds an hour over trials at once, as a page."""
    at_once, pace = zip(*rows, strict=True)
    figure = go.Figure(go.Scatter(x=at_once, y=pace, mode="lines+markers"))
    figure.update_layout(
        title="Trials that share one GPU",
        xaxis={"title": "trials at once", "tickvals": at_once},
        yaxis={"title": "seeds an hour", "rangemode": "tozero"},
    )
    figure.write_html(path)


if __name__ == "__main__":
    main()
