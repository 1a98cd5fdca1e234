"""How attempts end otherwise than by training: interrupted, by a fault of the machine, or out of time."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from canaries import leaks
from tiny_sweep import begin, checked_sweep, run_context

from causalmer_core.basics.faults import MachineFaultError
from causalmer_core.training.trainer import Trainer
from results.records.histories import RunHistory, read_run
from results.records.run_journal import RunJournal
from results.records.schemas import RunState
from results.storage.journal import JournalError, read_journal
from sweeps.execution.block_session import BlockSession
from sweeps.execution.run_session import RunContext
from sweeps.jobs.job import Job
from sweeps.setup.preflight import CheckedSweep


def job(sweep: CheckedSweep) -> Job:
    config = sweep.configurations.base
    return Job(config=config, seeds=(1,), phase="search", role="candidate", number=0)


def history(sweep: CheckedSweep) -> RunHistory:
    found = read_run(sweep.layout, job(sweep).key)
    assert found is not None
    return found


def to_end(sweep: CheckedSweep, context: RunContext | None = None) -> RunState:
    session = BlockSession(job(sweep), context or run_context(sweep))
    while not (advance := session.advance()[0]).state.is_final:
        pass
    session.close()
    return advance.state


def scores(found: RunHistory) -> list[tuple[int, float]]:
    return [(row["epoch"], row["valid_loss"]) for row in found.epochs]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, float]]:
    sweep = checked_sweep(tmp_path_factory.mktemp("undisturbed"))
    begin(sweep)
    assert to_end(sweep) is RunState.FINISHED
    return scores(history(sweep))


def test_an_interrupted_run_says_so_and_goes_on_from_its_checkpoint(
    sweep: CheckedSweep, undisturbed: list[tuple[int, float]]
) -> None:
    session = BlockSession(job(sweep), run_context(sweep))
    session.advance()
    session.interrupt("the sweep was stopped")
    found = history(sweep)
    assert (found.state, found.reason) == (RunState.INTERRUPTED, "the sweep was stopped")
    assert not found.state.is_final
    assert sweep.layout.last_checkpoint(job(sweep).key).exists()
    assert to_end(sweep) is RunState.FINISHED
    assert [row["attempt"] for row in history(sweep).epochs] == [1, 2, 2]
    assert scores(history(sweep)) == undisturbed


@pytest.mark.parametrize("steps", [0, 3])
def test_a_run_that_has_not_begun_or_has_ended_is_not_interrupted(sweep: CheckedSweep, steps: int) -> None:
    session = BlockSession(job(sweep), run_context(sweep))
    for _ in range(steps):
        session.advance()
    session.interrupt("the sweep was stopped")
    kinds = [
        row.get("state")
        for path in sweep.layout.run_journals.glob("*.jsonl")
        for row in read_journal(path)
        if row["kind"] == "end"
    ]
    assert kinds == (["finished"] if steps else [])


def failing_at(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, count: int, error: Exception
) -> Callable[[], None]:
    """Let the n-th call of a method raise; the function that is returned mends it."""
    original, calls = getattr(owner, name), []

    def failing(*arguments: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == count:
            raise error
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, failing)
    return lambda: monkeypatch.setattr(owner, name, original)


@pytest.mark.parametrize("name", ["save", "step"])
def test_a_fault_of_the_machine_ends_the_attempt_and_not_the_run(
    sweep: CheckedSweep,
    undisturbed: list[tuple[int, float]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """While an epoch's checkpoint is written, or in the middle of an epoch."""
    fault = OSError(errno.ENOSPC, "No space left on device")
    mend = failing_at(monkeypatch, Trainer, "_step" if name == "step" else name, 2, fault)
    session = BlockSession(job(sweep), run_context(sweep))
    if name == "save":  # the second epoch's; the second step is in the first epoch
        session.advance()
    with pytest.raises(MachineFaultError, match="No space left on device"):
        session.advance()
    found = history(sweep)
    assert found.state is RunState.INTERRUPTED
    assert "OSError: [Errno 28] No space left on device" in found.reason
    mend()
    assert to_end(sweep) is RunState.FINISHED
    assert scores(history(sweep)) == undisturbed


REFUSED = "https://user:canary@host refuses canary-token"


@pytest.mark.parametrize(
    ("error", "passes"), [(RuntimeError(REFUSED), False), (OSError(errno.EIO, REFUSED), True)]
)
def test_the_record_of_an_error_holds_no_credentials(
    sweep: CheckedSweep, monkeypatch: pytest.MonkeyPatch, error: Exception, passes: bool
) -> None:
    """Neither where the run fails by it, nor where it is a fault of the machine and goes on to Ray."""
    monkeypatch.setenv("HF_TOKEN", "canary-token")
    failing_at(monkeypatch, Trainer, "_step", 1, error)
    session = BlockSession(job(sweep), run_context(sweep))
    reported = ""
    try:
        session.advance()
    except MachineFaultError:
        reported = traceback.format_exc()
    session.close()
    assert "https://<credentials>@host refuses <HF_TOKEN>" in history(sweep).reason
    assert bool(reported) is passes
    assert "canary" not in reported
    assert leaks(sweep.layout.root, secrets=["canary"]) == []


def test_what_the_models_code_raises_fails_the_run_with_its_traceback(
    sweep: CheckedSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_at(
        monkeypatch, Trainer, "_step", 2, FileNotFoundError(errno.ENOENT, "No such file", "weights.bin")
    )
    assert to_end(sweep) is RunState.FAILED
    found = history(sweep)
    assert found.reason.startswith("Traceback")
    assert "No such file: 'weights.bin'" in found.reason
    assert to_end(sweep) is RunState.FAILED
    assert history(sweep).attempts == 1, "what would repeat was tried again"


def test_after_a_record_that_could_not_be_written_nothing_more_is_written(
    sweep: CheckedSweep, monkeypatch: pytest.MonkeyPatch, undisturbed: list[tuple[int, float]]
) -> None:
    mend = failing_at(monkeypatch, RunJournal, "epoch", 2, JournalError("the disk is full"))
    session = BlockSession(job(sweep), run_context(sweep))
    session.advance()
    with pytest.raises(JournalError):
        session.advance()
    session.interrupt("the sweep was stopped")
    assert history(sweep).state is RunState.LOST
    mend()
    assert to_end(sweep) is RunState.FINISHED
    assert scores(history(sweep)) == undisturbed


def test_a_run_over_its_time_ends_as_timeout_with_its_epochs_kept(sweep: CheckedSweep) -> None:
    assert to_end(sweep, replace(run_context(sweep), run_timeout=1e-6)) is RunState.TIMEOUT
    found = history(sweep)
    assert (found.state, len(found.epochs)) == (RunState.TIMEOUT, 1)
    assert "s by epoch 1; failure.run_timeout is 1e-06 s" in found.reason
    assert to_end(sweep) is RunState.TIMEOUT, "what has ended was trained again"


def test_time_counts_over_all_attempts(sweep: CheckedSweep) -> None:
    """A run that is interrupted again and again does not get its time anew."""
    for epoch in (1, 2):
        session = BlockSession(job(sweep), run_context(sweep))
        assert session.advance()[0].epoch == epoch
        session.interrupt("")
    spent = [row["seconds"] for row in history(sweep).epochs]
    limit = max(spent) + min(spent) / 2  # less than both epochs together, and more than each
    assert to_end(sweep, replace(run_context(sweep), run_timeout=limit)) is RunState.TIMEOUT
    assert len(history(sweep).epochs) == 2, "an epoch was trained that there was no time for"


def test_a_run_that_has_done_its_epochs_is_finished_however_long_they_took(sweep: CheckedSweep) -> None:
    session = BlockSession(job(sweep), run_context(sweep))
    session.advance()
    session.advance()
    session.interrupt("")
    spent = sum(row["seconds"] for row in history(sweep).epochs)
    assert to_end(sweep, replace(run_context(sweep), run_timeout=spent * 1.0001)) is RunState.FINISHED
