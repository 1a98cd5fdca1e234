"""A sweep whose runs train in a fraction of a second, and ways to begin it without Ray."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from results.records.histories import RunHistory
from results.records.layout import SweepLayout
from results.records.run_journal import RunJournal
from results.records.schemas import RunKey, RunState
from sweeps.driver import run_context
from sweeps.execution.block_session import Advance, BlockSession
from sweeps.jobs.job import Job
from sweeps.setup.preflight import CheckedSweep, preflight
from sweeps.setup.sweep_folder import begin_sweep
from sweeps.spec.sweep_spec import load_spec

YAML = """\
name: tiny
data:
  name: tiny
  synthetic: {seed: 0, train: 64, valid: 32, test: 32, emotions: 1, time: 4}
base:
  model:
    backbone:
      hidden_dim: 8
      num_heads: 2
      layers: 1
      memory_layers: 1
      kernel_text: 1
      kernel_audio: 1
      kernel_vision: 1
    text_branch: {name: transformer, hidden_dim: 8, num_heads: 2}
    audio_branch: {name: small_conv, hidden_dim: 4}
    vision_branch: {name: small_conv, hidden_dim: 4}
  optimiser: {learning_rates: {text: 2e-3}}
  trainer: {max_epochs: 3}
space:
  model.fusion: {choice: [sum, hm, tanh, mask]}
  loss.alpha: {float: [0.01, 1.0], log: true}
  loss.beta: {float: [0.1, 3.0], log: true, when: {model.fusion: [sum, hm, mask]}}
  optimiser.learning_rates.backbone: {float: [1e-3, 2e-2], log: true}
search: {num_configs: 5, startup: 2, max_concurrent: 2}
scheduler: {name: asha, grace_epochs: 1, reduction_factor: 2}
seeds: {confirm: 2, evaluate: 2, top_k: 2}
debiasing: {trials: 64}
"""

SHORTEST = (
    YAML.replace("max_epochs: 3", "max_epochs: 1")
    .replace("num_configs: 5", "num_configs: 1")
    .replace("confirm: 2, evaluate: 2, top_k: 2", "confirm: 0, evaluate: 1, top_k: 1")
)
"""One run, and what is evaluated then."""


def write_sweep(folder: Path, text: str = YAML, name: str = "tiny") -> Path:
    """The sweep's file in a folder."""
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def checked_sweep(folder: Path, text: str = YAML, **overrides: Any) -> CheckedSweep:
    """The sweep, with all that it reads and writes in one folder; `overrides` with `__` for a dot."""
    places = {"storage": str(folder / "runs"), "data.root": str(folder / "data")}
    changes = {key.replace("__", "."): value for key, value in overrides.items()}
    return preflight(load_spec(write_sweep(folder, text), {**places, **changes}))


def begin(sweep: CheckedSweep) -> SweepLayout:
    """Make the sweep's folder, as the driver does."""
    begin_sweep(sweep)
    return sweep.layout


def compared_rows(run: RunHistory, *but_for: str) -> list[dict[str, Any]]:
    """A run's rows without what may differ between two equal runs, and without other columns that are named."""
    dropped = {"seconds", "time", "attempt", *but_for}
    return [{key: value for key, value in row.items() if key not in dropped} for row in run.epochs]


def train(job: Job, sweep: CheckedSweep) -> Advance:
    """Train a job of one run to its end in this process."""
    (advance,) = train_block(job, sweep)
    return advance


def train_block(job: Job, sweep: CheckedSweep) -> tuple[Advance, ...]:
    """Train a job to its end in this process."""
    with BlockSession(job, run_context(sweep)) as session:
        while True:
            runs = session.advance()
            if all(run.state.is_final for run in runs):
                return runs


def record_run(
    layout: SweepLayout, job: Job, scores: Iterable[float], state: RunState | None = RunState.FINISHED
) -> None:
    """Write a job's journals without training: best scores so far, one an epoch; no state: it was killed."""
    for key in job.keys:
        record_one(layout, job, key, scores, state)


def record_one(
    layout: SweepLayout, job: Job, key: RunKey, scores: Iterable[float], state: RunState | None
) -> None:
    """Write the journal of one of a job's runs."""
    with RunJournal.begin(
        layout,
        key,
        phase=job.phase,
        role=job.role,
        number=job.number,
        config=job.config.model_dump(mode="json"),
        values=job.values,
    ) as journal:
        for epoch, score in enumerate(scores, start=1):
            journal.epoch({"epoch": epoch, "valid_accuracy": score, "is_best": True, "seconds": 0.0})
        if state is not None:
            journal.end(state)
