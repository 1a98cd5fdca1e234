"""The confirmation's jobs: a round at a time, from the records alone, whatever was killed in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from objectives_by_hand import HIGHER
from tiny_sweep import begin, checked_sweep, record_run

from causalmer_core.config.identity import config_id
from results.records.histories import read_run, read_runs
from results.records.manifest import read_sweep_manifest
from results.records.schemas import RunKey, RunState
from sweeps.jobs.confirm import ConfirmJobs
from sweeps.jobs.job import Job
from sweeps.jobs.source import NoJob
from sweeps.search.results import best_candidates
from sweeps.setup.preflight import CheckedSweep

ALPHAS = (0.02, 0.05, 0.1, 0.2)


def searched_sweep(folder: Path, **changes: Any) -> CheckedSweep:
    """A sweep whose search has finished: the later the proposal, the better."""
    sweep = checked_sweep(folder, **{"seeds__top_k": 4, "seeds__confirm": 4, **changes})
    begin(sweep)
    for number, alpha in enumerate(ALPHAS):
        values = {"model.fusion": "tanh", "loss.alpha": alpha, "optimiser.learning_rates.backbone": 0.002}
        config = sweep.configurations.of(values)
        job = Job(config=config, seeds=(0,), phase="search", role="candidate", number=number, values=values)
        record_run(sweep.layout, job, [score(number, 0)])
    return sweep


def score(number: int | None, seed: int) -> float:
    """The truth: far apart from the last to the others, with a little of the seed's and of the pair's luck."""
    assert number is not None
    return (0.9 if number == 3 else 0.5 + number / 50) + seed / 1000 + (7 * number + 3 * seed) % 5 / 200


def source(sweep: CheckedSweep) -> ConfirmJobs:
    """As the driver makes it, from the records."""
    layout, manifest, histories = sweep.layout, read_sweep_manifest(sweep.layout), read_runs(sweep.layout)
    best = best_candidates(histories, (0,), HIGHER, sweep.spec.seeds.top_k)
    return ConfirmJobs(manifest, best, histories, lambda key: read_run(layout, key))


def given(jobs: ConfirmJobs) -> Iterator[Job]:
    """What may run at once."""
    while isinstance(job := jobs.next_job(), Job):
        yield job


def finish(sweep: CheckedSweep, job: Job) -> None:
    record_run(sweep.layout, job, [score(job.number, job.key.seed)])


def test_a_round_begins_when_all_runs_of_the_one_before_have_ended(tmp_path: Path) -> None:
    sweep = searched_sweep(tmp_path, confirmation={"name": "halving"})
    jobs = source(sweep)
    first = list(given(jobs))
    assert {(job.number, job.key.seed) for job in first} == {(number, 1) for number in range(4)}
    assert {(job.phase, job.role) for job in first} == {("confirm", "candidate")}
    for job in first[:-1]:
        finish(sweep, job)
        jobs.completed(job)
        assert jobs.next_job() is NoJob.LATER
    finish(sweep, first[-1])
    jobs.completed(first[-1])
    assert {(job.number, job.key.seed) for job in given(jobs)} == {
        (number, seed) for number in (2, 3) for seed in (2, 3, 4)
    }


def run_to_the_end(sweep: CheckedSweep, *, restarts: bool) -> list[RunKey]:
    jobs, done = source(sweep), []
    while True:
        job = jobs.next_job()
        if not isinstance(job, Job):
            assert job is NoJob.NEVER
            return done
        finish(sweep, job)
        jobs.completed(job)
        done.append(job.key)
        if restarts:
            jobs = source(sweep)


@pytest.mark.parametrize(
    ("rule", "runs"),
    [({"name": "all"}, 16), ({"name": "halving"}, 4 + 2 * 3), ({"name": "race", "max_error": 0.3}, 10)],
    ids=["all", "halving", "race"],
)
def test_a_driver_that_is_killed_after_every_run_asks_for_the_same_runs(
    tmp_path: Path, rule: dict[str, Any], runs: int
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    whole = searched_sweep(tmp_path / "one", confirmation=rule)
    done = run_to_the_end(whole, restarts=False)
    killed = run_to_the_end(searched_sweep(tmp_path / "other", confirmation=rule), restarts=True)
    assert sorted(done) == sorted(killed)
    assert len(done) == len(set(done)) <= runs
    winner = best_candidates(read_runs(whole.layout), (0,), HIGHER, 1)[0].key.config_id
    assert winner in source(whole).race().active


def test_a_run_that_was_lost_is_asked_for_again_and_one_that_failed_is_out(tmp_path: Path) -> None:
    sweep = searched_sweep(tmp_path, confirmation={"name": "race", "max_error": 1e-9})
    first = list(given(source(sweep)))
    record_run(sweep.layout, first[0], [0.5], None)
    record_run(sweep.layout, first[1], [0.5], RunState.NAN)
    for job in first[2:]:
        finish(sweep, job)
    again = source(sweep)
    assert [job.key for job in given(again)] == [first[0].key]
    finish(sweep, first[0])
    again.completed(first[0])
    assert first[1].key.config_id not in {job.key.config_id for job in given(again)}


def test_more_configurations_to_confirm_catch_up_and_what_is_on_record_is_not_run_again(
    tmp_path: Path,
) -> None:
    small = searched_sweep(tmp_path, seeds__top_k=2, confirmation={"name": "all"})
    done = run_to_the_end(small, restarts=False)
    assert len(done) == 8
    large = checked_sweep(tmp_path, seeds__top_k=3, seeds__confirm=4, confirmation={"name": "all"})
    added = run_to_the_end(large, restarts=False)
    assert {key.config_id for key in added}.isdisjoint(key.config_id for key in done)
    assert len(added) == 4


def test_a_configuration_that_was_confirmed_races_on_though_others_have_passed_it(tmp_path: Path) -> None:
    sweep = searched_sweep(tmp_path, seeds__top_k=1, confirmation={"name": "all"})
    run_to_the_end(sweep, restarts=False)
    values = {"model.fusion": "tanh", "loss.alpha": 0.9, "optimiser.learning_rates.backbone": 0.002}
    config = sweep.configurations.of(values)
    better = Job(config=config, seeds=(0,), phase="search", role="candidate", number=4, values=values)
    record_run(sweep.layout, better, [0.99])
    race = source(sweep).race()
    assert config_id(config) in race.active
    assert len(race.active) == 2
