"""Where jobs come from: every proposal a function of settled outcomes, whatever ends first or is killed."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from simulated_search import Simulated, simulated
from tiny_sweep import YAML, begin, checked_sweep, record_run

from results.records.histories import read_run
from results.records.schemas import RunKey, RunState
from results.storage.journal import read_journal
from sweeps.jobs.job import Job
from sweeps.jobs.source import JobList, NoJob


def known(jobs: list[Job]) -> list[tuple[Any, ...]]:
    """What of jobs must not depend on timing, by number."""
    return sorted((job.number, job.key, job.seeds, dict(job.rung_thresholds)) for job in jobs)


def test_a_proposal_waits_for_those_before_it_but_for_the_concurrent_ones(tmp_path: Path) -> None:
    simulation = simulated(tmp_path, scheduler={"name": "none"})
    keys = []
    for _ in range(3):
        job = simulation.take()
        assert isinstance(job, Job)
        keys.append(job.key)
    assert simulation.take() is NoJob.LATER
    simulation.end(keys[2])
    simulation.end(keys[1])
    assert simulation.take() is NoJob.LATER  # number 3 is made from the outcome of number 0
    simulation.end(keys[0])
    further = [simulation.take() for _ in range(4)]
    assert [job.number for job in further if isinstance(job, Job)] == [3, 4, 5]
    assert further[3] is NoJob.LATER


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    simulation = simulated(tmp_path_factory.mktemp("undisturbed"))
    simulation.run(1, random.Random(0))
    return simulation


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("order", [1, 2])
def test_no_proposal_and_no_threshold_depends_on_which_run_ends_first(
    undisturbed: Simulated, tmp_path: Path, workers: int, order: int
) -> None:
    simulation = simulated(tmp_path)
    simulation.run(workers, random.Random(order))
    assert simulation.proposals == undisturbed.proposals
    assert known(simulation.given) == known(undisturbed.given)
    assert any(job.rung_thresholds for job in simulation.given), (
        "no threshold was set, so nothing was compared"
    )


@pytest.mark.parametrize("kills", [(0,), (1,), (4,), (9,), (2, 0, 3)])
def test_a_search_that_is_killed_goes_on_as_if_nothing_had_happened(
    undisturbed: Simulated, tmp_path: Path, kills: tuple[int, ...]
) -> None:
    """Proposals that were given out and not finished are given out again, finished ones never."""
    simulation = simulated(tmp_path)
    for number, ends in enumerate(kills):
        simulation.run(3, random.Random(number), until=ends)
        simulation.take()
        simulation.kill()
        simulation.open()
    finished = {key for key in {job.key for job in simulation.given} if is_final(simulation, key)}
    before = len(simulation.given)
    simulation.run(2, random.Random(9))
    assert simulation.proposals == undisturbed.proposals
    after = simulation.given[before:]
    assert not finished & {job.key for job in after}
    assert {job.key for job in simulation.given} == {job.key for job in undisturbed.given}
    assert all(entry in known(undisturbed.given) for entry in known(after))


@pytest.mark.parametrize("sampler", ["random", "qmc", "cmaes", "gp", "nsga2", "nsga3", "grid", "list"])
def test_with_any_sampler_neither_workers_nor_kills_change_a_proposal(tmp_path: Path, sampler: str) -> None:
    search: dict[str, Any] = {
        "sampler": sampler,
        "startup": 3,
        "points": [{"model.fusion": "sum"}, {"loss.alpha": 1}],
    }
    search |= {"population": 4} if sampler in ("cmaes", "nsga2", "nsga3") else {}
    steady, disturbed = (
        simulated(tmp_path / name, GRID if sampler == "grid" else YAML, search=search) for name in ("a", "b")
    )
    steady.run(1, random.Random(0))
    for number, ends in enumerate((0, 4, 2)):
        disturbed.run(2, random.Random(number), until=ends)
        disturbed.take()
        disturbed.kill()
        disturbed.open()
    disturbed.run(2, random.Random(9))
    assert disturbed.proposals == steady.proposals
    assert len(steady.proposals) == (3 if sampler == "list" else 10)
    assert all(entry in known(steady.given) for entry in known(disturbed.given))


BLOCKS = [({"search": 3}, [(0, 1, 2)]), ({"search": 3, "block": 2}, [(0, 1), (2,)])]


@pytest.mark.parametrize(("seeds", "blocks"), BLOCKS, ids=["one block", "two blocks"])
def test_with_blocks_of_seeds_neither_workers_nor_kills_change_a_proposal_or_a_threshold(
    tmp_path: Path, seeds: dict[str, Any], blocks: list[tuple[int, ...]]
) -> None:
    section = {"confirm": 2, "evaluate": 2, "top_k": 2, **seeds}
    steady, disturbed = (simulated(tmp_path / name, seeds=section) for name in ("a", "b"))
    steady.run(1, random.Random(0))
    for number, ends in enumerate((0, 4, 3)):
        disturbed.run(2, random.Random(number), until=ends)
        disturbed.take()
        disturbed.kill()
        disturbed.open()
    disturbed.run(3, random.Random(9))
    assert disturbed.proposals == steady.proposals
    assert {job.name for job in disturbed.given} == {job.name for job in steady.given}
    assert all(entry in known(steady.given) for entry in known(disturbed.given))
    assert {job.seeds for job in steady.given} == set(blocks)


def test_a_configurations_next_block_begins_only_where_the_last_one_finished(tmp_path: Path) -> None:
    """What is pruned or fails with two seeds costs no third."""
    seeds = {"search": 3, "block": 2, "confirm": 2, "top_k": 2}
    simulation = simulated(tmp_path, seeds=seeds, search__max_concurrent=1, failure={"fail_fast": None})
    for number, state in enumerate((RunState.FINISHED, RunState.PRUNED, RunState.NAN)):
        job = simulation.take()
        assert isinstance(job, Job)
        assert (job.number, job.seeds) == (number, (0, 1))
        simulation.end(job.key, state)
        if state is RunState.FINISHED:
            second = simulation.take()
            assert isinstance(second, Job)
            assert (second.number, second.seeds, second.rung_thresholds) == (number, (2,), {})
            assert simulation.take() is NoJob.LATER
            simulation.end(second.key, RunState.FINISHED)
    following = simulation.take()
    assert isinstance(following, Job)
    assert following.number == 3


def test_the_sampler_learns_the_mean_of_the_search_seeds(tmp_path: Path) -> None:
    simulation = simulated(tmp_path, seeds={"search": 2, "block": 1, "confirm": 2, "top_k": 2})
    for score in (0.25, 0.75):
        job = simulation.take()
        assert isinstance(job, Job)
        assert job.number == 0
        record_run(simulation.layout, job, [score])
        simulation.source.completed(job)
    found = simulation.source._searched[job.key.config_id].outcome
    assert found is not None
    assert (found.state, found.score) == (RunState.FINISHED, 0.5)


GRID = (
    YAML.replace("{float: [0.01, 1.0], log: true}", "{float: [0.1, 1.0], step: 0.1}")
    .replace("{float: [0.1, 3.0], log: true, when", "{choice: [0.5, 1.0], when")
    .replace(
        "backbone: {float: [1e-3, 2e-2], log: true}", "backbone: {same_as: optimiser.learning_rates.audio}"
    )
)


def is_final(simulation: Simulated, key: RunKey) -> bool:
    history = read_run(simulation.layout, key)
    return history is not None and history.state.is_final


def test_proposals_in_the_journal_are_numbered_and_on_disk_before_they_are_given_out(tmp_path: Path) -> None:
    simulation = simulated(tmp_path)
    for count in (1, 2, 3):
        simulation.take()
        rows = read_journal(simulation.layout.proposals)
        assert [row["number"] for row in rows] == list(range(count))


def test_a_repeated_proposal_trains_nothing(tmp_path: Path) -> None:
    """Of 12 proposals in a space of four configurations each configuration runs once."""
    head, _, tail = YAML.partition("  loss.alpha:")
    text = head + tail[tail.index("search:") :]
    simulation = simulated(tmp_path, text, search__num_configs=12)
    simulation.run(2, random.Random(0))
    keys = [job.key for job in simulation.given]
    assert len(simulation.proposals) == 12
    assert len(keys) == len(set(keys)) == len({values["model.fusion"] for values in simulation.proposals})


def test_after_the_last_proposal_there_is_never_another(tmp_path: Path) -> None:
    simulation = simulated(tmp_path, search__num_configs=4)
    simulation.run(2, random.Random(0))
    assert len(simulation.given) == 4
    assert [simulation.take(), simulation.take()] == [NoJob.NEVER, NoJob.NEVER]
    simulation.open()
    assert simulation.take() is NoJob.NEVER
    assert len(simulation.proposals) == 4


def test_the_papers_default_is_proposed_first_unless_told_otherwise(tmp_path: Path) -> None:
    first = simulated(tmp_path / "first").take()
    assert isinstance(first, Job)
    assert first.values == {
        "model.fusion": "mask",
        "loss.alpha": 0.1,
        "loss.beta": 1.0,
        "optimiser.learning_rates.backbone": 2e-3,
    }
    other = simulated(tmp_path / "other", search__paper_first=False).take()
    assert isinstance(other, Job)
    assert other.values != first.values


def test_a_list_leaves_out_what_is_done_and_gives_the_rest_in_order(tmp_path: Path) -> None:
    sweep = checked_sweep(tmp_path)
    layout = begin(sweep)
    config = sweep.configurations.base
    jobs = [Job(config=config, seeds=(seed,), phase="confirm", role="paper") for seed in range(5)]
    record_run(layout, jobs[1], [0.5])
    record_run(layout, jobs[2], [0.5], RunState.FAILED)
    record_run(layout, jobs[3], [0.5], None)
    source = JobList(jobs, lambda key: read_run(layout, key))
    assert [source.next_job() for _ in range(4)] == [jobs[0], jobs[3], jobs[4], NoJob.NEVER]


def test_a_job_travels_as_text_without_a_change(undisturbed: Simulated) -> None:
    for job in undisturbed.given:
        text = job.to_json()
        assert Job.from_json(text) == job
        assert Job.from_json(text).key == job.key
        assert tuple(json.loads(text)["seeds"]) == job.seeds
