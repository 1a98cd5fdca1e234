"""Phases one after another in one source: none begins before the one before is over, and a new start loses none."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tiny_sweep import begin, checked_sweep, record_run

from causalmer_core.config.run_config import RunConfig
from results.records.histories import read_run
from results.records.schemas import RunKey, RunState
from sweeps.jobs.chain import PhaseChain
from sweeps.jobs.job import Job
from sweeps.jobs.source import JobList, JobSource, NoJob


def job(seed: int) -> Job:
    return Job(config=RunConfig(), seeds=(seed,), phase="search", role="candidate", number=0, values={})


class Phases:
    """Three phases of which the middle one has nothing to do; what is prepared is noted, and may be interrupted."""

    def __init__(self, folder: Path) -> None:
        self.layout = begin(checked_sweep(folder))
        self.noted: list[str] = []
        self.interrupted = ""
        seeds = {"search": [0, 1], "confirm": [], "evaluate": [2]}
        self.chain = PhaseChain([partial(self.prepare, name, numbers) for name, numbers in seeds.items()])

    def prepare(self, name: str, seeds: list[int]) -> Callable[[], JobSource]:
        self.noted.append(name)
        if name == self.interrupted:
            raise KeyboardInterrupt
        return lambda: JobList(map(job, seeds), self.read_run)

    def read_run(self, key: RunKey):
        return read_run(self.layout, key)

    def take(self) -> Job:
        taken = self.chain.next_job()
        assert isinstance(taken, Job)
        return taken

    def end(self, ended: Job) -> None:
        record_run(self.layout, ended, [0.5], RunState.FINISHED)
        self.chain.completed(ended)


@pytest.fixture
def phases(tmp_path: Path) -> Phases:
    return Phases(tmp_path)


def test_a_phase_begins_when_all_jobs_of_the_one_before_have_ended(phases: Phases) -> None:
    first, second = phases.take(), phases.take()
    assert phases.chain.next_job() is NoJob.LATER
    phases.end(second)
    assert phases.chain.next_job() is NoJob.LATER
    assert phases.noted == ["search"]
    phases.end(first)
    third = phases.take()
    assert third.seeds == (2,)
    assert phases.noted == ["search", "confirm", "evaluate"]
    assert phases.chain.next_job() is NoJob.LATER
    phases.end(third)
    assert phases.chain.next_job() is NoJob.NEVER
    assert phases.noted == ["search", "confirm", "evaluate"]


def test_after_a_new_start_it_goes_on_in_the_same_phase_by_what_is_on_record(phases: Phases) -> None:
    first, _ = phases.take(), phases.take()
    phases.end(first)
    phases.chain.close()  # as where Ray is lost with the second one running
    assert phases.take().seeds == (1,)
    assert phases.noted == ["search"]


def test_a_phase_that_was_interrupted_in_its_preparation_is_prepared_again_and_not_left_out(
    phases: Phases,
) -> None:
    first, second = phases.take(), phases.take()
    phases.end(first)
    phases.end(second)
    phases.interrupted = "evaluate"
    with pytest.raises(KeyboardInterrupt):  # as where the loss of Ray is noticed just then
        phases.chain.next_job()
    phases.chain.close()
    phases.interrupted = ""
    assert phases.take().seeds == (2,)
    assert phases.noted == ["search", "confirm", "evaluate", "evaluate"]


def test_a_source_is_closed_when_its_phase_is_over_and_when_the_chain_is() -> None:
    class Source(JobSource):
        def __init__(self, jobs: list[Job]) -> None:
            self.jobs = jobs
            self.closed = 0

        def next_job(self) -> Job | NoJob:
            return self.jobs.pop() if self.jobs else NoJob.NEVER

        def completed(self, job: Job) -> None:
            pass

        def close(self) -> None:
            self.closed += 1

    empty, busy = Source([]), Source([job(0)])
    chain = PhaseChain([lambda: lambda: empty, lambda: lambda: busy])
    assert isinstance(chain.next_job(), Job)
    assert (empty.closed, busy.closed) == (1, 0)
    chain.close()
    assert (empty.closed, busy.closed) == (1, 1)
