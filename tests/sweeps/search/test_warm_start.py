"""Warm start: what an earlier sweep found out is learned once, on record, and counted as nobody's run."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from objectives_by_hand import HIGHER, LOWER
from tiny_sweep import YAML, begin, checked_sweep, record_run

from causalmer_core.basics.errors import UserError
from results.records.histories import read_run, read_runs
from results.records.layout import SweepLayout
from results.records.schemas import RunState
from results.storage.journal import read_journal
from sweeps.jobs.job import Job
from sweeps.jobs.search import SearchJobs
from sweeps.search.warm_start import gather
from sweeps.setup.preflight import CheckedSweep

SCORES = [0.5, 0.9, 0.7, 0.6, 0.8]


def earlier(folder: Path, **overrides: Any) -> SweepLayout:
    """A sweep named `tiny` whose five proposals have ended, the fourth as a failure."""
    sweep = checked_sweep(folder, **overrides)
    layout = begin(sweep)
    for number, job in enumerate(jobs(sweep, layout, ends=True)):
        assert job.number == number
    return layout


def jobs(sweep: CheckedSweep, layout: SweepLayout, *, ends: bool) -> list[Job]:
    """What the search gives out; with `ends` each run ends at its score."""
    source = SearchJobs(
        sweep.spec,
        sweep.configurations,
        layout,
        objectives=HIGHER,
        read_run=lambda key: read_run(layout, key),
    )
    found: list[Job] = []
    while isinstance(job := source.next_job(), Job):
        found.append(job)
        if ends:
            state = RunState.FAILED if job.number == 3 else RunState.FINISHED
            number = job.number or 0
            record_run(layout, job, [SCORES[number % 5] - number // 5 / 100], state)
            source.completed(job)
    source._journal.close()
    return found


def later(folder: Path, **search: Any) -> CheckedSweep:
    section = {"num_configs": 6, "startup": 2, "max_concurrent": 2, "warm_start": {"sweep": "tiny"}, **search}
    return checked_sweep(folder, name="later", search=section)


def test_the_best_finished_runs_are_learned_best_first(tmp_path: Path) -> None:
    layout = earlier(tmp_path)
    sweep = later(tmp_path, warm_start={"sweep": "tiny", "top": 3})
    trials = gather(sweep.spec, sweep.configurations, HIGHER)
    assert [run.score for run in trials] == [0.9, 0.8, 0.7]
    values = {run.number: run.values for run in read_runs(layout)}
    assert [run.values for run in trials] == [values[1], values[4], values[2]]
    lowest = gather(sweep.spec, sweep.configurations, LOWER)
    assert [run.score for run in lowest] == [0.5, 0.7, 0.8]


def test_a_folder_names_a_sweep_too(tmp_path: Path) -> None:
    layout = earlier(tmp_path)
    moved = tmp_path / "elsewhere"
    shutil.move(layout.root, moved)
    sweep = later(tmp_path, warm_start={"sweep": str(moved)})
    assert len(gather(sweep.spec, sweep.configurations, HIGHER)) == 4


def test_runs_outside_this_space_are_not_learned(tmp_path: Path) -> None:
    layout = earlier(tmp_path)
    fusions = [run.values["model.fusion"] for run in read_runs(layout) if run.values and run.number != 3]
    one = fusions[0]
    sweep = checked_sweep(
        tmp_path,
        YAML.replace("{choice: [sum, hm, tanh, mask]}", f"{{choice: [{one}]}}").replace(
            ", when: {model.fusion: [sum, hm, mask]}", ""
        ),
        name="narrow",
        search__warm_start={"sweep": "tiny"},
    )
    trials = gather(sweep.spec, sweep.configurations, HIGHER)
    assert {run.values["model.fusion"] for run in trials} == {one}
    assert len(trials) == fusions.count(one)


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "nsga2", "nsga3"])
def test_warm_start_trials_move_the_proposals_and_are_no_runs_of_this_sweep(
    tmp_path: Path, sampler: str
) -> None:
    earlier(tmp_path, search__num_configs=12)
    population = {"population": 4} if sampler in ("cmaes", "nsga2", "nsga3") else {}
    first = {}
    for name, warm in {"warm": {"sweep": "tiny"}, "cold": None}.items():
        section = {"sampler": sampler, "num_configs": 6, "startup": 2, "max_concurrent": 6, **population}
        sweep = checked_sweep(tmp_path, name=name, search=section | {"warm_start": warm})
        layout = begin(sweep)
        first[name] = [job.values for job in jobs(sweep, layout, ends=False)]
        assert read_runs(layout) == []
    assert first["warm"][0] == first["cold"][0], "the paper's default comes first"
    assert len(first["warm"]) == 6
    assert first["warm"][1:] != first["cold"][1:]


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "nsga2", "nsga3"])
def test_a_search_goes_on_the_same_when_the_earlier_sweep_is_gone(tmp_path: Path, sampler: str) -> None:
    """The sweep that is killed after its first proposals is the sweep that was not."""
    layout = earlier(tmp_path, search__num_configs=12)
    population = {"population": 4} if sampler in ("cmaes", "nsga2", "nsga3") else {}
    steady = later(tmp_path, sampler=sampler, **population)
    undisturbed = [job.values for job in jobs(steady, begin(steady), ends=False)]
    section = steady.spec.search.model_dump(mode="json")
    other = checked_sweep(tmp_path, name="other", search=section)
    begun = begin(other)
    journal = read_journal(steady.layout.proposals)
    assert journal[0]["kind"] == "warm_start"
    given = jobs(other, begun, ends=False)
    shutil.rmtree(layout.root)
    assert (
        [job.values for job in jobs(other, begun, ends=False)] == [job.values for job in given] == undisturbed
    )
    again = checked_sweep(tmp_path, name="other", search=section)  # preflight does not ask for it either
    assert again.spec == other.spec


def test_settled_outcomes_count_beside_warm_start_trials(tmp_path: Path) -> None:
    earlier(tmp_path)
    sweep = later(tmp_path, num_configs=5)
    layout = begin(sweep)
    random.seed(0)
    assert len(jobs(sweep, layout, ends=True)) == 5
    assert {run.number for run in read_runs(layout)} == set(range(5))


def test_a_sweep_that_cannot_teach_is_refused_with_the_line_to_blame(tmp_path: Path) -> None:
    earlier(tmp_path)
    with pytest.raises(UserError, match=r"search\.warm_start: no sweep 'tony'; sweeps in .*: tiny \(did you"):
        later(tmp_path, warm_start={"sweep": "tony"})
    with pytest.raises(UserError, match="scored by 'accuracy', this sweep scores by 'weighted_f1'"):
        checked_sweep(
            tmp_path, name="later", search__warm_start={"sweep": "tiny"}, base__trainer__monitor="weighted_f1"
        )
    other = YAML.replace("synthetic: {seed: 0", "synthetic: {seed: 1").replace(
        "  name: tiny", "  name: other"
    )
    with pytest.raises(
        UserError, match=r"ran on other data: fingerprint .*; allowed a sweep on the same data"
    ):
        checked_sweep(tmp_path, other, name="later", search__warm_start={"sweep": "tiny"})
    with pytest.raises(
        UserError, match=r"gives 4 configurations .* too few for cmaes, .*; allowed 10 or more"
    ):
        later(tmp_path, sampler="cmaes")
    outside = YAML.replace("{float: [0.01, 1.0], log: true}", "{float: [7.0, 8.0]}")
    with pytest.raises(
        UserError,
        match=r"none of the 4 finished configurations of the search of .* lies in this sweep's space",
    ):
        checked_sweep(tmp_path, outside, name="later", search__warm_start={"sweep": "tiny"})
