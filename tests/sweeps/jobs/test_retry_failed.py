"""What failed is trained again when the user asks for it, and ends as it would have without the failure."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from driven_sweep import Sweep
from object_server import ObjectServer
from simulated_search import Simulated, simulated
from tiny_sweep import (
    SHORTEST,
    begin,
    checked_sweep,
    compared_rows,
    record_run,
    run_context,
    train,
    train_block,
)

from causalmer_core.basics.errors import UserError
from results.records.histories import RunHistory, read_run, read_runs
from results.records.locate import SCRATCH_VARIABLE
from results.records.schemas import RunState
from sweeps.execution.block_session import BlockSession
from sweeps.jobs.job import Job
from sweeps.jobs.retry_failed import reopen_failed
from sweeps.setup.preflight import CheckedSweep

RETRIABLE = [RunState.FAILED, RunState.OOM, RunState.TIMEOUT]


def block(sweep: CheckedSweep, *seeds: int) -> Job:
    config = sweep.configurations.base
    return Job(
        config=config, seeds=seeds, phase="search", role="candidate", number=0, values={"loss.alpha": 0.1}
    )


def history(sweep: CheckedSweep, job: Job) -> RunHistory:
    found = read_run(sweep.layout, job.key)
    assert found is not None
    return found


def records(sweep: CheckedSweep) -> list[Any]:
    return [
        (run.key, run.state, run.reason, run.values, run.number, run.best_epoch, compared_rows(run))
        for run in read_runs(sweep.layout)
    ]


@pytest.mark.parametrize("state", [state for state in RunState if state.is_written])
def test_only_a_run_whose_cause_may_be_mended_is_opened_again(sweep: CheckedSweep, state: RunState) -> None:
    job = block(sweep, 0)
    record_run(sweep.layout, job, [0.5], state)
    assert reopen_failed(sweep.layout) == ([job.key] if state in RETRIABLE else [])
    assert history(sweep, job).state is (RunState.INTERRUPTED if state in RETRIABLE else state)
    assert reopen_failed(sweep.layout) == []


def test_the_record_keeps_what_it_had_ended_as(sweep: CheckedSweep) -> None:
    job = block(sweep, 0)
    with job.begin(sweep.layout, job.key, host="there") as journal:
        journal.end(RunState.FAILED, "Traceback ...\nFileNotFoundError: no ALBERT there")
    reopen_failed(sweep.layout)
    found = history(sweep, job)
    reason = "to be tried again; it had ended as failed: Traceback ...\nFileNotFoundError: no ALBERT there"
    assert (found.attempts, found.reason, found.host) == (2, reason, "there")


def test_a_block_that_ended_for_one_of_its_runs_ends_as_if_that_had_not_failed(
    sweep: CheckedSweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = block(sweep, 0, 1, 2)
    with BlockSession(job, run_context(sweep)) as session:
        session.advance()
        monkeypatch.setattr(session._runs[1], "_record", None)  # its code is wrong
        ended = session.advance()
    assert [run.state for run in ended] == [RunState.PRUNED, RunState.FAILED, RunState.PRUNED]
    assert reopen_failed(sweep.layout) == list(job.keys)
    train_block(job, sweep)

    (folder := tmp_path / "undisturbed").mkdir()
    undisturbed = checked_sweep(folder)
    begin(undisturbed)
    train_block(job, undisturbed)
    assert records(sweep) == records(undisturbed)
    assert {run.state for run in read_runs(sweep.layout)} == {RunState.FINISHED}


def test_what_was_pruned_in_another_configuration_or_phase_stays_so(sweep: CheckedSweep) -> None:
    failed, job = block(sweep, 0), block(sweep, 1)
    other = replace(block(sweep, 2), config=job.config.with_values({"loss.alpha": 0.25}))
    record_run(sweep.layout, failed, [0.5], RunState.FAILED)
    record_run(sweep.layout, replace(job, phase="confirm"), [0.5], RunState.PRUNED)
    record_run(sweep.layout, other, [0.5], RunState.PRUNED)
    assert reopen_failed(sweep.layout) == [failed.key]


def test_a_search_goes_on_with_what_failed_and_with_the_proposals_that_it_has(tmp_path: Path) -> None:
    simulation = simulated(tmp_path)
    for _ in range(3):
        job = simulation.take()
        assert isinstance(job, Job)
        simulation.end(job.key, RunState.FAILED)
    with pytest.raises(UserError, match="run the same command with --retry-failed"):
        simulation.take()
    simulation.source.close()
    first = simulation.proposals
    assert reopen_failed(simulation.layout) == sorted(job.key for job in simulation.given)
    again = Simulated(simulation.sweep, simulation.layout)
    again.run(2, random.Random(0))
    assert again.proposals[:3] == first
    assert [job.key for job in again.given[:3]] == [job.key for job in simulation.given]
    assert len(again.proposals) == 10


def test_another_node_that_knows_the_failure_trains_what_was_opened_again(
    server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = {name: str(tmp_path / name) for name in ("driver", "node")}
    monkeypatch.setenv(SCRATCH_VARIABLE, scratch["node"])
    node = checked_sweep(tmp_path, storage=server.uri(tmp_path.name))
    begin(node)
    job = block(node, 0)
    record_run(node.layout, job, [0.5], RunState.FAILED)

    monkeypatch.setenv(SCRATCH_VARIABLE, scratch["driver"])
    driver = checked_sweep(tmp_path, storage=server.uri(tmp_path.name))
    driver.layout.store.pull_records()
    assert reopen_failed(driver.layout) == [job.key]

    monkeypatch.setenv(SCRATCH_VARIABLE, scratch["node"])
    assert history(node, job).state is RunState.FAILED, "the node knows it, so nothing is tested"
    assert train(job, node).state is RunState.FINISHED
    assert history(driver, job).state is RunState.FINISHED


@pytest.mark.slow
def test_a_sweep_that_failed_is_finished_once_the_cause_is_mended(tmp_path: Path) -> None:
    failed = simulated(tmp_path, SHORTEST, search__num_configs=1, search__max_concurrent=2)
    job = failed.take()
    assert isinstance(job, Job)
    failed.end(job.key, RunState.TIMEOUT)
    failed.source.close()
    sweep = Sweep(tmp_path, SHORTEST)
    sweep.layout = failed.layout
    places = ["--storage", str(tmp_path / "runs"), "--data-root", str(tmp_path / "data"), "--cpus", "1"]
    stopped = sweep.run("run", *places)
    assert stopped.returncode == 2
    assert "#0 lacks seed 0 (timeout)" in stopped.stderr, "it is final until asked for"
    assert "tried again: " + job.key.stem in sweep.done("resume", "--retry-failed", *places)
    assert {run.state for run in read_runs(sweep.layout)} == {RunState.FINISHED}
    assert sweep.layout.report.exists()
