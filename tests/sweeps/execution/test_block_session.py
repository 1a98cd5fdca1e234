"""Seeds of one configuration, trained side by side and judged together."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_sweep import begin, checked_sweep, compared_rows, run_context, train_block

from causalmer_core.basics.faults import MachineFaultError
from causalmer_core.training.trainer import Trainer
from results.records.histories import RunHistory, read_run
from results.records.run_journal import RunJournal
from results.records.schemas import RunState
from sweeps.execution.block_session import BlockSession
from sweeps.execution.run_session import RunContext
from sweeps.jobs.job import Job
from sweeps.setup.preflight import CheckedSweep

SEEDS = (1, 2, 3)


def block(
    sweep: CheckedSweep,
    rung_thresholds: Mapping[int, float] | None = None,
    seeds: tuple[int, ...] = SEEDS,
    **more: Any,
) -> Job:
    config = sweep.configurations.base
    return Job(
        config=config,
        seeds=seeds,
        phase="search",
        role="candidate",
        number=0,
        rung_thresholds=rung_thresholds or {},
        **more,
    )


def histories(sweep: CheckedSweep, work: Job) -> list[RunHistory]:
    found = [read_run(sweep.layout, key) for key in work.keys]
    return [history for history in found if history is not None]


def records(found: list[RunHistory]) -> list[Any]:
    """What must not depend on what is trained beside it, or on kills."""
    return [(run.key, run.state, run.reason, run.parameters, run.notes, compared_rows(run)) for run in found]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[RunHistory]:
    """The same seeds, one after another."""
    checked = checked_sweep(tmp_path_factory.mktemp("alone"))
    begin(checked)
    for seed in SEEDS:
        train_block(block(checked, seeds=(seed,)), checked)
    return histories(checked, block(checked))


def test_seeds_side_by_side_are_the_runs_that_they_are_alone(
    sweep: CheckedSweep, alone: list[RunHistory]
) -> None:
    work = block(sweep)
    with BlockSession(work, run_context(sweep)) as session:
        for epoch in (1, 2, 3):
            runs = session.advance()
            assert [run.epoch for run in runs] == [epoch] * 3
    assert records(histories(sweep, work)) == records(alone)


def test_a_block_shares_what_its_trial_takes_of_a_device(sweep: CheckedSweep) -> None:
    context = replace(run_context(sweep), gpus=0.6)
    with BlockSession(block(sweep), context) as session:
        session.advance()
    spans = [history.spans[0] for history in histories(sweep, block(sweep))]
    assert [gpus for _, _, gpus in spans] == [pytest.approx(0.2)] * 3


def at(alone: list[RunHistory], epoch: int) -> list[float]:
    return [history.curve[epoch] for history in alone]


def test_a_lucky_seed_does_not_survive_alone(sweep: CheckedSweep, alone: list[RunHistory]) -> None:
    """The best seed is above the threshold, the mean of the block below it."""
    scores = at(alone, 2)
    threshold = (max(scores) + sum(scores) / 3) / 2
    assert max(scores) > threshold > sum(scores) / 3, "the seeds do not differ, so nothing is tested"
    work = block(sweep, {2: threshold})
    assert {run.state for run in train_block(work, sweep)} == {RunState.PRUNED}
    for history in histories(sweep, work):
        assert len(history.epochs) == 2
        words = f"best score, the mean over seeds 1, 2, 3, {sum(scores) / 3:.4f} misses the threshold {threshold:.4f}"
        assert history.reason == f"{words} at epoch 2"


def test_an_unlucky_seed_is_not_cut_alone(sweep: CheckedSweep, alone: list[RunHistory]) -> None:
    scores = at(alone, 2)
    threshold = (min(scores) + sum(scores) / 3) / 2
    assert min(scores) < threshold
    assert {run.state for run in train_block(block(sweep, {2: threshold}), sweep)} == {RunState.FINISHED}


def broken_model(session: BlockSession, place: int) -> None:
    trainer = session._runs[place]._trainer
    assert trainer is not None
    with torch.no_grad():
        next(iter(trainer.model.parameters())).fill_(torch.nan)


def test_where_one_seed_fails_the_block_ends_and_says_why(sweep: CheckedSweep) -> None:
    work = block(sweep)
    with BlockSession(work, run_context(sweep)) as session:
        session.advance()
        broken_model(session, 1)
        runs = session.advance()
    assert [run.state for run in runs] == [RunState.PRUNED, RunState.NAN, RunState.PRUNED]
    first, failed, last = histories(sweep, work)
    assert [len(run.epochs) for run in (first, failed, last)] == [2, 1, 1]
    assert first.reason == last.reason == f"run {failed.key.stem} of its block ended as nan"


def test_a_fault_of_the_machine_interrupts_the_whole_block_and_costs_none_of_its_runs(
    sweep: CheckedSweep, alone: list[RunHistory], monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = Trainer.save, []

    def full(trainer: Trainer, path: Path) -> None:
        calls.append(1)
        if len(calls) == 5:  # the second run's second checkpoint
            raise OSError(errno.ENOSPC, "No space left on device")
        original(trainer, path)

    monkeypatch.setattr(Trainer, "save", full)
    work = block(sweep)
    with BlockSession(work, run_context(sweep)) as session:
        session.advance()
        with pytest.raises(MachineFaultError, match="No space left"):
            session.advance()
    found = histories(sweep, work)
    assert {run.state for run in found} == {RunState.INTERRUPTED}
    assert [("No space" in run.reason) for run in found] == [False, True, False]
    train_block(work, sweep)
    assert records(histories(sweep, work)) == records(alone)


def to_end(session: BlockSession) -> None:
    while not all(run.state.is_final for run in session.advance()):
        pass


class Killed(BaseException):
    """What a test raises where a process would be killed: nothing catches it, and nothing is written after it."""


def killed_at(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, count: int) -> None:
    """From the n-th call of a method on nothing happens any more, as in a process that is gone."""
    original, calls = getattr(owner, name), []

    def killed(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) >= count:
            raise Killed
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, killed)


@pytest.mark.parametrize(
    ("owner", "name", "count"),
    [
        *((RunJournal, "epoch", count) for count in (1, 2, 3, 5, 6)),
        *((Trainer, "save", count) for count in (1, 4, 5, 6)),
        *((RunJournal, "end", count) for count in (1, 2, 3)),
    ],
)
def test_a_block_killed_anywhere_ends_as_an_undisturbed_one(
    sweep: CheckedSweep, tmp_path_factory: pytest.TempPathFactory, owner: type, name: str, count: int
) -> None:
    """It is pruned at epoch 2; the kill falls before, between and after the rows, checkpoints and ends of its runs."""
    other = checked_sweep(tmp_path_factory.mktemp("undisturbed"))
    begin(other)
    train_block(block(other, {2: 2.0}), other)
    expected = records(histories(other, block(other)))
    work = block(sweep, {2: 2.0})
    with pytest.MonkeyPatch.context() as patch:
        killed_at(patch, owner, name, count)
        session = BlockSession(work, run_context(sweep))
        with pytest.raises(Killed):
            to_end(session)
        session.close()  # the system closes what a killed process held
    runs = train_block(work, sweep)
    assert {run.state for run in runs} == {RunState.PRUNED}
    assert records(histories(sweep, work)) == expected


def test_a_block_loses_patience_only_with_all_of_its_runs(tmp_path: Path) -> None:
    sweep = checked_sweep(tmp_path, base__trainer__max_epochs=12)
    begin(sweep)
    work = block(sweep, patience=2)
    train_block(work, sweep)
    found = histories(sweep, work)
    lasts = {max(history.curve) for history in found}
    best = max(history.best_epoch or 0 for history in found)
    assert lasts == {min(best + 2, 12)}
    assert {history.state for history in found} == {RunState.FINISHED}


def test_one_run_out_of_time_ends_its_block(sweep: CheckedSweep) -> None:
    context: RunContext = replace(run_context(sweep), run_timeout=1e-9)
    with BlockSession(block(sweep), context) as session:
        runs = session.advance()
    assert {run.state for run in runs} == {RunState.TIMEOUT}
