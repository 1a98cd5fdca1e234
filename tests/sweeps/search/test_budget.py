"""What a search has used of its budget, told from records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from histories_by_hand import ended_run
from objectives_by_hand import HIGHER, LOWER
from tiny_sweep import begin, checked_sweep, record_run

from results.records.histories import RunHistory, read_run
from results.records.objectives import Constraint, Objectives
from results.records.schemas import RunKey, RunState
from sweeps.jobs.job import Job
from sweeps.search.budget import BudgetUse, device_hours, spans_of, wall_hours
from sweeps.search.outcomes import Outcome
from sweeps.spec.sections import BudgetSection

START = datetime(2026, 1, 1, tzinfo=UTC)


def hours(begin: float, end: float, gpus: float = 0.0) -> tuple[datetime, datetime, float]:
    return START + timedelta(hours=begin), START + timedelta(hours=end), gpus


def test_what_runs_at_once_counts_once_on_the_wall_and_each_on_the_devices() -> None:
    spans = [hours(5, 6, 0.5), hours(0, 2, 0.5), hours(1, 3, 1.0), hours(1, 1.5, 2.0)]
    assert wall_hours(spans) == pytest.approx(4.0)
    assert device_hours(spans) == pytest.approx(0.5 + 1.0 + 2.0 + 1.0)
    assert wall_hours([]) == device_hours([]) == 0.0


def test_spans_are_those_of_every_attempt_with_its_gpus(tmp_path: Path) -> None:
    found = recorded(tmp_path)
    ((begun, ended, gpus),) = spans_of(found)
    assert ended > begun
    assert gpus == 0.0
    assert begun.isoformat(timespec="microseconds") == found.started


def recorded(folder: Path, state: RunState = RunState.FINISHED) -> RunHistory:
    sweep = checked_sweep(folder)
    layout = begin(sweep)
    config = sweep.configurations.base
    job = Job(config=config, seeds=(0,), phase="search", role="candidate", number=0)
    record_run(layout, job, [0.25, 0.5], state)
    found = read_run(layout, job.key)
    assert found is not None
    return found


KEY = RunKey("0" * 16, 0)


def spending(higher: bool = True, gpus: float = 0.0, **limits: float) -> tuple[BudgetUse, list[datetime]]:
    clock = [START]
    budget = BudgetSection.model_validate(limits)
    return BudgetUse(budget, gpus=gpus, objectives=HIGHER if higher else LOWER, clock=lambda: clock[0]), clock


def test_without_limits_nothing_is_used_up() -> None:
    assert spending()[0].used_up(10**6, {KEY.config_id: Outcome(RunState.FINISHED, {1: 1.0})}) == ""


def test_a_budget_of_runs_is_used_up_by_as_many() -> None:
    used = spending(runs=3)[0]
    assert used.used_up(2, {}) == ""
    assert used.used_up(3, {}) == "budget.runs: 3 of 3 configurations have run"


@pytest.mark.parametrize(("higher", "reached", "missed"), [(True, 0.8, 0.79), (False, 0.8, 0.81)])
def test_a_target_is_reached_from_its_good_side(higher: bool, reached: float, missed: float) -> None:
    used = spending(higher, target=0.8)[0]
    assert used.used_up(1, {KEY.config_id: Outcome(RunState.FINISHED, {1: missed})}) == ""
    words = used.used_up(1, {KEY.config_id: Outcome(RunState.FINISHED, {1: reached})})
    assert words == f"budget.target: configuration {KEY.config_id} reached 0.8000, the target is 0.8"


@pytest.mark.parametrize("state", [RunState.PRUNED, RunState.NAN, RunState.FAILED, RunState.TIMEOUT])
def test_a_target_is_not_reached_by_a_run_that_cannot_be_confirmed(state: RunState) -> None:
    assert spending(target=0.8)[0].used_up(1, {KEY.config_id: Outcome(state, {1: 0.9})}) == ""


def test_hours_pass_while_runs_are_open_and_not_between_them() -> None:
    used, clock = spending(hours=2.0, gpus=0.5)
    used.begun(KEY, [])
    clock[0] += timedelta(hours=1.5)
    assert used.used_up(1, {}) == ""
    used.ended(KEY, [history_between(0.0, 1.5)])
    clock[0] += timedelta(hours=20)
    assert used.used_up(1, {}) == ""
    used.begun(RunKey("1" * 16, 0), [])
    clock[0] += timedelta(hours=0.5)
    assert used.used_up(2, {}) == "budget.hours: 2 of 2 hours are used"


def test_gpu_hours_are_those_of_all_runs_and_all_sessions() -> None:
    used, _ = spending(gpu_hours=2.0, gpus=1.0)
    used.ended(RunKey("1" * 16, 0), [history_between(-30.0, -29.0, gpus=1.0)])  # of an earlier session
    assert used.used_up(1, {}) == ""
    used.ended(RunKey("2" * 16, 0), [history_between(-30.0, -29.0, gpus=1.0)])
    assert used.used_up(2, {}) == "budget.gpu_hours: 2 of 2 GPU hours are used"


def test_a_run_that_goes_on_counts_its_earlier_attempts_once() -> None:
    used, clock = spending(gpu_hours=1.75, gpus=1.0)
    earlier = history_between(-2.0, -1.0, gpus=1.0)
    used.begun(KEY, [earlier])
    clock[0] += timedelta(hours=0.5)
    both = history_between(-2.0, -1.0, gpus=1.0, then=(0.0, 0.5))
    used.ended(KEY, [both])
    assert used.used_up(1, {}) == ""
    used.begun(RunKey("1" * 16, 0), [])
    clock[0] += timedelta(hours=0.25)
    assert used.used_up(1, {}).startswith("budget.gpu_hours: 1.75 of")


def history_between(
    begun: float, ended: float, gpus: float = 0.0, then: tuple[float, float] | None = None
) -> RunHistory:
    """A finished run with attempts at such hours."""
    spans = [hours(begun, ended, gpus), *([hours(*then, gpus)] if then else [])]
    told = tuple((begin.isoformat(), end.isoformat(), gpus) for begin, end, gpus in spans)
    return replace(ended_run(KEY, RunState.FINISHED), attempts=len(spans), spans=told)


def test_a_target_is_not_reached_outside_the_constraints() -> None:
    objectives = Objectives.of_metric(
        "accuracy", "max", constraints=(Constraint(measure="epochs", at_most=5.0),)
    )
    used = BudgetUse(BudgetSection(target=0.8), gpus=0.0, objectives=objectives)
    beyond, within = (Outcome(RunState.FINISHED, {1: 0.9}, {"epochs": epochs}) for epochs in (6.0, 5.0))
    assert used.used_up(1, {"a": beyond}) == ""
    assert used.used_up(1, {"a": beyond, "b": within}).startswith("budget.target: configuration b")
