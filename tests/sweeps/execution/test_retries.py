"""Runs that a fault of the machine ended are started again, later each time, and not for ever."""

from __future__ import annotations

import pytest
from tiny_sweep import checked_sweep

from sweeps.execution.retries import Retries, wait_seconds
from sweeps.jobs.job import Job


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> list[Job]:
    sweep = checked_sweep(tmp_path_factory.mktemp("jobs"))
    config = sweep.configurations.base
    return [Job(config=config, seeds=(seed,), phase="confirm", role="paper") for seed in (1, 2)]


def test_a_run_waits_longer_after_each_failure_in_a_row() -> None:
    assert [wait_seconds(failure) for failure in (1, 2, 3, 4, 9)] == [1.0, 4.0, 16.0, 60.0, 60.0]


def test_a_run_is_given_out_once_when_its_wait_is_over(jobs: list[Job]) -> None:
    clock = Clock()
    retries = Retries(2, clock)
    assert retries.failed(jobs[0], 0) == 1.0
    assert retries.is_waiting
    assert retries.due() is None
    clock.now = 1.0
    assert retries.due() == jobs[0]
    assert retries.due() is None
    assert not retries.is_waiting


def test_the_run_that_is_due_longest_goes_first(jobs: list[Job]) -> None:
    clock = Clock()
    retries = Retries(2, clock)
    retries.failed(jobs[1], 0)
    clock.now = 0.5
    retries.failed(jobs[0], 0)
    clock.now = 9.0
    assert [retries.due(), retries.due()] == [jobs[1], jobs[0]]


def test_after_as_many_retries_in_a_row_as_allowed_there_is_none(jobs: list[Job]) -> None:
    retries = Retries(2, Clock())
    assert [retries.failed(jobs[0], 1) for _ in range(3)] == [1.0, 4.0, None]
    assert retries.failed(jobs[1], 1) == 1.0, "another run's failures counted"


def test_a_run_that_got_an_epoch_further_begins_to_count_anew(jobs: list[Job]) -> None:
    retries = Retries(1, Clock())
    assert [retries.failed(jobs[0], epochs) for epochs in (0, 1, 2, 2)] == [1.0, 1.0, 1.0, None]


def test_without_retries_the_first_failure_is_the_last(jobs: list[Job]) -> None:
    assert Retries(0, Clock()).failed(jobs[0], 3) is None
