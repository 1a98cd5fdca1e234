"""One sweep reads and checks its file once, and validates each configuration once.

The driver runs in this process without Ray: its jobs are trained one after another, each by the session that a Ray
actor would hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny_sweep
from rich.console import Console

from causalmer_core.config import run_config
from causalmer_core.config.run_config import RunConfig
from sweeps import driver
from sweeps.cli import sweep as command
from sweeps.execution.shares import same_for_all
from sweeps.gpu_memory.share_plan import SharePlan
from sweeps.jobs.job import Job
from sweeps.jobs.source import JobSource
from sweeps.setup.preflight import CheckedSweep
from sweeps.spec import includes
from sweeps.spec.checks import SAMPLED_CONFIGURATIONS

PROPOSALS = 5


class Counts:
    """The counts of one command.

    Attributes:
        reads: how often each YAML file was read, by the name it was read by.
        validations: how often a configuration was validated while the sweep was `checked`, and while it `ran`.
    """

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.validations: Counter[str] = Counter()
        self.part = "checked"


class CountingValidator:
    """Pydantic's validator of a class, with each of its validations counted."""

    def __init__(self, validator: Any, counts: Counts) -> None:
        self._validator = validator
        self._counts = counts

    def __getattr__(self, name: str) -> Any:
        if name.startswith("validate_"):
            self._counts.validations[self._counts.part] += 1
        return getattr(self._validator, name)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counts]:
    """Counts of what follows, in a process that has validated no configuration before, with a driver without Ray."""
    found = Counts()
    read, run_sweep = includes.read_yaml, command.run_sweep

    def read_counted(path: Path | str) -> Any:
        found.reads[str(path)] += 1
        return read(path)

    def run_counted(*arguments: Any, **options: Any) -> None:
        found.part = "ran"
        run_sweep(*arguments, **options)

    def train_here(source: JobSource, first: Job, **_options: Any) -> None:
        job: Any = first
        while isinstance(job, Job):
            tiny_sweep.train(job, sweeps[0])
            source.completed(job)
            job = source.next_job()

    def without_ray(self: Any, _first: Job) -> SharePlan:
        sweeps[:] = [self._sweep]
        return SharePlan(same_for_all(self._layout, self._spec.resources.least), "cpu")

    sweeps: list[CheckedSweep] = []
    monkeypatch.setattr(includes, "read_yaml", read_counted)
    monkeypatch.setattr(command, "run_sweep", run_counted)
    monkeypatch.setattr(driver, "run_jobs", train_here)
    monkeypatch.setattr(driver._Phases, "_started_ray", without_ray)
    validator = CountingValidator(RunConfig.__pydantic_validator__, found)
    monkeypatch.setattr(RunConfig, "__pydantic_validator__", validator)
    run_config._validated.cache_clear()
    yield found
    run_config._validated.cache_clear()


def test_a_sweep_reads_its_file_once_and_validates_a_configuration_at_most_three_times_a_proposal(
    counts: Counts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "console", lambda: Console(quiet=True))
    file = tiny_sweep.write_sweep(Path())
    command.run(file)
    assert counts.reads == {"tiny.yaml": 1}
    assert 0 < counts.validations["ran"] <= 3 * PROPOSALS
    # Beside the random combinations: the base, the paper's default, the ends and the options of each parameter.
    assert counts.validations["checked"] - SAMPLED_CONFIGURATIONS <= 20

    counts.reads.clear()
    counts.validations.clear()
    run_config._validated.cache_clear()
    counts.part = "checked"
    command.resume(file)
    assert counts.reads == {
        "tiny.yaml": 1,
        "causalmer_runs/tiny/sweep.yaml": 1,
    }  # the copy, to compare with it
    assert counts.validations["ran"] <= 3 * PROPOSALS
