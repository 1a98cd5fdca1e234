"""The scheduler `patience`: a run of the search ends without a new best, as finished, and goes nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from objectives_by_hand import HIGHER
from tiny_sweep import begin, checked_sweep, train

from results.records.histories import read_run
from results.records.manifest import read_sweep_manifest
from results.records.schemas import RunState
from sweeps.jobs.confirm import confirm_job
from sweeps.jobs.job import Job
from sweeps.jobs.reuse import Reuse
from sweeps.jobs.search import SearchJobs


def test_a_run_ends_as_finished_after_so_many_epochs_without_a_new_best(tmp_path: Path) -> None:
    learning_rate = {"backbone": 1e-9, "text": 1e-9, "audio": 1e-9, "vision": 1e-9, "constants": 1e-9}
    settings: dict[str, Any] = {
        "scheduler": {"name": "patience", "epochs": 2},
        "base__trainer__max_epochs": 9,
        "base__optimiser__learning_rates": learning_rate,
    }
    sweep = checked_sweep(tmp_path, **settings)
    layout = begin(sweep)
    source = SearchJobs(
        sweep.spec,
        sweep.configurations,
        layout,
        objectives=HIGHER,
        read_run=lambda key: read_run(layout, key),
    )
    job = source.next_job()
    assert isinstance(job, Job)
    assert (job.patience, job.rung_thresholds) == (2, {})
    assert train(Job.from_json(job.to_json()), sweep).state is RunState.FINISHED
    history = read_run(layout, job.key)
    assert history is not None
    assert history.best_epoch is not None
    assert len(history.epochs) == history.best_epoch + 2 < 9
    assert history.reason == "2 epochs without a new best (scheduler patience)"
    other = checked_sweep(tmp_path, name="other", **settings)
    reuse_runs = Reuse(begin(other), objectives=HIGHER, notify=lambda _: None, warn=print)
    assert not reuse_runs(job)
    assert not reuse_runs(replace(job, patience=None)), "the run ended sooner than its configuration says"
    assert confirm_job(history, 1).patience is None
    assert not read_sweep_manifest(layout).search_ranks, "its search score is that of a shorter run"
