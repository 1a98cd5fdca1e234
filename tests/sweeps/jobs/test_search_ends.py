"""When a search stops before its last proposal: its budget is used up, or its first configurations all failed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from simulated_search import Simulated, simulated

from causalmer_core.basics.errors import UserError
from results.records.histories import read_run
from results.records.schemas import RunState
from results.storage.journal import read_journal
from sweeps.jobs.job import Job
from sweeps.jobs.search import cut_of
from sweeps.jobs.source import NoJob


def cuts(simulation: Simulated) -> list[dict[str, Any]]:
    return [row for row in read_journal(simulation.layout.proposals) if row["kind"] == "cut"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """The search without a budget."""
    simulation = simulated(tmp_path_factory.mktemp("undisturbed"))
    simulation.run(1, random.Random(0))
    return simulation


@pytest.mark.parametrize("workers", [1, 3])
def test_a_budget_of_runs_cuts_the_search_and_leaves_its_proposals_as_they_are(
    undisturbed: Simulated, tmp_path: Path, workers: int
) -> None:
    simulation = simulated(tmp_path, budget={"runs": 4})
    simulation.run(workers, random.Random(workers))
    assert simulation.proposals == undisturbed.proposals[:4]
    assert all(read_run(simulation.layout, job.key).state.is_final for job in simulation.given)  # type: ignore[union-attr]
    (cut,) = cuts(simulation)
    assert (cut["number"], cut["reason"]) == (4, "budget.runs: 4 of 4 configurations have run")


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_a_target_cuts_at_the_same_proposal_whatever_ends_first(
    undisturbed: Simulated, tmp_path: Path, workers: int
) -> None:
    """It is judged from what the next proposal would be made from, not from what happens to have ended."""
    best = max(undisturbed.best_of(job) for job in undisturbed.given[:4])
    simulation = simulated(tmp_path, budget={"target": best})
    simulation.run(workers, random.Random(workers))
    reached = next(job.number for job in undisturbed.given if undisturbed.best_of(job) >= best)
    assert reached is not None
    assert simulation.proposals == undisturbed.proposals[: reached + 3]
    assert [cut["number"] for cut in cuts(simulation)] == [reached + 3]


def test_a_search_with_a_larger_budget_goes_on_as_if_it_had_had_it(
    undisturbed: Simulated, tmp_path: Path
) -> None:
    simulation = simulated(tmp_path, budget={"runs": 4})
    simulation.run(2, random.Random(0))
    simulation.source.close()
    larger = simulated(tmp_path, budget={"runs": 50}, go_on=True)
    larger.run(2, random.Random(1))
    assert larger.proposals == undisturbed.proposals
    assert cut_of(read_journal(larger.layout.proposals)) is None, "a cut that was lifted still counts"


def test_a_cut_search_that_is_started_again_writes_nothing(tmp_path: Path) -> None:
    simulation = simulated(tmp_path, budget={"runs": 4})
    simulation.run(2, random.Random(0))
    before = simulation.layout.proposals.read_bytes()
    simulation.open()
    assert simulation.take() is NoJob.NEVER
    assert simulation.take() is NoJob.NEVER
    assert simulation.layout.proposals.read_bytes() == before


def test_what_was_begun_before_the_budget_was_used_up_is_ended(tmp_path: Path) -> None:
    """Killed with two runs open, and started again with a budget that they alone exceed."""
    simulation = simulated(tmp_path)
    simulation.take()
    simulation.take()
    simulation.kill()
    again = simulated(tmp_path, budget={"runs": 1}, go_on=True)
    again.run(2, random.Random(0))
    assert [job.number for job in again.given] == [0, 1]
    assert [cut["number"] for cut in cuts(again)] == [2]


FAILURES = (RunState.FAILED, RunState.OOM, RunState.NAN, RunState.TIMEOUT)


def ending(simulation: Simulated, job: Job | NoJob, state: RunState) -> None:
    assert isinstance(job, Job)
    simulation.end(job.key, state)


@pytest.mark.parametrize("state", FAILURES)
def test_a_search_whose_first_configurations_all_fail_stops_and_says_why(
    tmp_path: Path, state: RunState
) -> None:
    simulation = simulated(tmp_path)
    for _ in range(3):
        ending(simulation, simulation.take(), state)
    with pytest.raises(UserError) as stopped:
        simulation.take()
    text = str(stopped.value)
    ends = ", ".join([state.value] * 3)
    assert text.startswith(f"the first 3 configurations of the search all failed ({ends}), so it stops")
    assert simulation.given[0].key.stem in text
    assert "run the same command with --retry-failed" in text


def test_a_stopped_search_that_is_started_again_says_the_same_unless_told_to_go_on(tmp_path: Path) -> None:
    simulation = simulated(tmp_path)
    for _ in range(3):
        ending(simulation, simulation.take(), RunState.FAILED)
    simulation.source.close()
    again = simulated(tmp_path, go_on=True)
    with pytest.raises(UserError, match="the first 3 configurations"):
        again.take()
    again.source.close()
    regardless = simulated(tmp_path, go_on=True, failure={"fail_fast": None})
    job = regardless.take()
    assert isinstance(job, Job)
    assert job.number == 3


@pytest.mark.parametrize("good", [0, 1, 2])
def test_one_that_does_not_fail_among_the_first_is_enough_to_go_on(tmp_path: Path, good: int) -> None:
    simulation = simulated(tmp_path)
    for number in range(3):
        ending(simulation, simulation.take(), RunState.FINISHED if number == good else RunState.FAILED)
    assert isinstance(simulation.take(), Job)


def test_later_failures_do_not_stop_a_search(tmp_path: Path) -> None:
    simulation = simulated(tmp_path)
    ending(simulation, simulation.take(), RunState.PRUNED)
    for _ in range(5):
        ending(simulation, simulation.take(), RunState.FAILED)
    assert isinstance(simulation.take(), Job)


def test_how_many_fail_first_is_a_choice(tmp_path: Path) -> None:
    simulation = simulated(tmp_path, failure={"fail_fast": 1})
    ending(simulation, simulation.take(), RunState.NAN)
    with pytest.raises(UserError, match="the first 1 configurations of the search all failed"):
        simulation.take()
