"""How far a sweep is: counted from what happens to its runs, by a clock that the test holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from histories_by_hand import ended_run
from objectives_by_hand import HIGHER, LOWER
from rich.console import Console

from causalmer_core.config.run_config import RunConfig
from results.records.objectives import Constraint, Objectives
from results.records.schemas import RunState
from sweeps.jobs.job import Job
from sweeps.progress import status_text as words
from sweeps.progress.counters import WINDOW_SECONDS, SweepCounters, SweepStatus
from sweeps.progress.live_table import MOST_RUNNING, live_table

FINISHED, PRUNED, NAN, OOM = RunState.FINISHED, RunState.PRUNED, RunState.NAN, RunState.OOM
CONFIGS = [RunConfig().with_values({"loss.alpha": 0.1 + number / 100}) for number in range(20)]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counters(clock: Clock) -> SweepCounters:
    counting = SweepCounters(max_epochs=10, objectives=HIGHER, clock=clock)
    counting.phase("search", 8)
    return counting


def job(number: int, *seeds: int) -> Job:
    return Job(config=CONFIGS[number], seeds=seeds or (0,), phase="search", role="candidate", number=number)


def trained(
    counters: SweepCounters, work: Job, state: RunState, score: float | None = 0.5, epochs: int = 10
) -> None:
    counters.started(work)
    for key in work.keys:
        counters.epoch_done(key, epochs, score)
    for key in work.keys:
        counters.ended(ended_run(key, state, score, number=work.number))


def test_a_run_that_is_trained_again_counts_once(counters: SweepCounters) -> None:
    trained(counters, job(0), FINISHED)
    counters.reopened(ended_run(job(0).key, FINISHED, 0.5, number=0))
    assert counters.status().ended == {}
    trained(counters, job(0), FINISHED)
    assert counters.status().ended == {FINISHED: 1}


def test_runs_are_counted_by_how_they_stand(counters: SweepCounters) -> None:
    for number, state in enumerate((FINISHED, FINISHED, PRUNED, NAN, OOM)):
        trained(counters, job(number), state)
    counters.started(job(5))
    status = counters.status()
    assert status.ended == {FINISHED: 2, PRUNED: 1, NAN: 1, OOM: 1}
    assert (len(status.running), status.ahead) == (1, 2)
    assert words.runs(status) == ("2 finished, 1 pruned, 2 failed (nan 1, oom 1), 1 running, at most 2 to go")
    assert status.phase == "search (phase 1 of 3)"


def test_a_block_counts_every_run_of_it(counters: SweepCounters) -> None:
    trained(counters, job(0, 0, 1, 2), FINISHED)
    status = counters.status()
    assert (status.ended, status.ahead) == ({FINISHED: 3}, 5)


def test_a_run_that_is_started_again_is_one_run_and_its_epochs_count_once(counters: SweepCounters) -> None:
    work = job(0)
    counters.started(work)
    counters.epoch_done(work.key, 4, 0.5)
    counters.stopped(work.key, again=True)
    counters.started(work)
    counters.epoch_done(work.key, 5, 0.5)
    status = counters.status()
    assert (status.ahead, status.restarts) == (7, 1)
    assert status.running[0].epoch == 5
    assert words.runs(status).endswith("1 started again")


def test_the_pace_is_that_of_the_last_minutes_and_the_time_left_an_upper_bound(
    counters: SweepCounters, clock: Clock
) -> None:
    assert counters.status().seconds_left is None
    assert words.time_left(counters.status()) == "time left not known yet"
    clock.now += 50.0
    trained(counters, job(0), FINISHED)
    status = counters.status()
    assert status.epochs_a_second == pytest.approx(10 / 50)
    assert status.runs_an_hour == pytest.approx(3600 / 50)
    assert status.seconds_left == pytest.approx(7 * 10 / (10 / 50))
    clock.now += 10 * WINDOW_SECONDS
    trained(counters, job(1), FINISHED)
    assert counters.status().epochs_a_second == pytest.approx(10 / WINDOW_SECONDS)
    assert counters.status().share == pytest.approx(20 / 80)


def test_a_pruned_run_takes_its_other_epochs_out_of_what_is_ahead(
    counters: SweepCounters, clock: Clock
) -> None:
    clock.now += 10.0
    trained(counters, job(0), PRUNED, epochs=2)
    status = counters.status()
    assert status.share == pytest.approx(2 / (2 + 70))
    assert status.seconds_left == pytest.approx(70 / 0.2)


def test_earlier_sessions_count_as_done_and_not_as_ahead(clock: Clock) -> None:
    counters = SweepCounters(max_epochs=10, objectives=HIGHER, clock=clock)
    runs = [ended_run(job(number).key, FINISHED, number / 10, number=number) for number in range(3)]
    counters.earlier([*runs, replace(runs[0], state=RunState.INTERRUPTED)])
    counters.phase("search", 8)
    status = counters.status()
    assert (status.ended, status.ahead) == ({FINISHED: 3}, 5)
    assert status.leader is not None
    assert status.leader.name.startswith("#2 ")


def test_a_reused_run_is_not_ahead_and_is_counted_apart(counters: SweepCounters) -> None:
    counters.reused(ended_run(job(0).key, FINISHED, 0.9, number=0))
    status = counters.status()
    assert (status.reused, status.ahead, status.ended) == (1, 7, {FINISHED: 1})
    assert "1 reused from other sweeps" in words.runs(status)


def test_the_one_with_the_most_seeds_leads_before_a_lucky_one(counters: SweepCounters) -> None:
    trained(counters, job(0), FINISHED, 0.99)
    leader = counters.status().leader
    assert leader is not None
    assert str(leader) == f"#0 {job(0).key.config_id[:8]}: 0.9900 over 1 seed, no interval"
    for seed, score in ((0, 0.7), (1, 0.9)):
        counters.ended(ended_run(job(1, seed).key, FINISHED, score, number=1))
    leader = counters.status().leader
    assert leader is not None
    assert str(leader).startswith(f"#1 {job(1).key.config_id[:8]}: 0.8000 [-0.4706, 2.0706] over 2 seeds")


def test_who_violates_a_constraint_leads_only_while_all_do(clock: Clock) -> None:
    objectives = Objectives.of_metric(
        "accuracy", "max", constraints=(Constraint(measure="parameters", at_most=10.0),)
    )
    counters = SweepCounters(max_epochs=10, objectives=objectives, clock=clock)
    for number, (score, parameters) in enumerate(((0.9, 11), (0.5, 9), (0.4, 9))):
        counters.ended(
            replace(ended_run(job(number).key, FINISHED, score, number=number), parameters=parameters)
        )
        leader = counters.status().leader
        assert leader is not None
        assert leader.name.startswith("#0 " if number == 0 else "#1 ")
        assert str(leader).endswith("; parameters 11 is above 10") == (number == 0)


@pytest.mark.parametrize(("phase", "role"), [("evaluate", "candidate"), ("search", "paper")])
def test_what_cannot_be_selected_never_leads(counters: SweepCounters, phase: str, role: str) -> None:
    run = replace(ended_run(job(0).key, FINISHED, 0.9, number=0), phase=phase, role=role)
    counters.ended(run)
    assert counters.status().leader is None


def test_lower_scores_lead_where_they_are_better(clock: Clock) -> None:
    counters = SweepCounters(max_epochs=10, objectives=LOWER, clock=clock)
    for number, score in enumerate((0.3, 0.2)):
        trained(counters, job(number), FINISHED, score)
    leader = counters.status().leader
    assert leader is not None
    assert leader.name.startswith("#1 ")


def drawn(status: SweepStatus, width: int) -> list[str]:
    console = Console(width=width, record=True, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(live_table(status))
    return captured.get().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_keeps_whole_numbers_on_narrow_and_on_wide_terminals(
    counters: SweepCounters, clock: Clock, width: int
) -> None:
    clock.now += 60.0
    trained(counters, job(0), FINISHED, 0.8125)
    for number in range(1, 4):
        counters.started(job(number))
        counters.epoch_done(job(number).key, number, 0.5 + number / 16)
    lines = drawn(counters.status(), width)
    text = " ".join(" ".join(lines).split())
    for part in (
        "search (phase 1 of 3)",
        "0:01:00, at most about",
        "1 finished, 0 pruned, 0 failed, 3 running, at most 4 to go",
        "0.8125 over 1 seed, no interval",
        "60 runs an hour",
        "epoch 3 of 10 0.6875",
    ):
        assert part in text, part
    assert max(map(len, lines)) <= width


def test_of_many_running_runs_the_first_are_shown_and_the_others_counted(counters: SweepCounters) -> None:
    for number in range(MOST_RUNNING + 3):
        counters.started(job(number))
    lines = drawn(counters.status(), 100)
    assert sum("epoch 0 of 10" in line for line in lines) == MOST_RUNNING
    assert any("and 3 more" in line for line in lines)
