"""One attempt at a run: what is on disk after every step, and what a next attempt makes of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_sweep import begin, checked_sweep, compared_rows, run_context, train

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.config.run_config import RunConfig
from causalmer_core.datasets.store import open_training_data
from causalmer_core.training.checkpoint import load_tensors, save_tensors
from causalmer_core.training.trainer import Trainer
from results.integrity.repair import repair
from results.records.histories import RunHistory, read_run
from results.records.schemas import RunState
from results.storage.journal import JournalError, read_journal
from sweeps.execution.block_session import BlockSession
from sweeps.jobs import run_lock
from sweeps.jobs.job import Job
from sweeps.setup.preflight import CheckedSweep


def job(sweep: CheckedSweep, rung_thresholds: Mapping[int, float] | None = None, **values: Any) -> Job:
    config = sweep.configurations.base
    changes = {path.replace("__", "."): value for path, value in values.items()}
    config = config.with_values(changes)
    return Job(
        config=config,
        seeds=(1,),
        phase="search",
        role="candidate",
        number=0,
        rung_thresholds=rung_thresholds or {},
    )


def history(sweep: CheckedSweep, work: Job) -> RunHistory:
    found = read_run(sweep.layout, work.key)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> RunHistory:
    """The run of `job` without values, trained in one go."""
    checked = checked_sweep(tmp_path_factory.mktemp("undisturbed"))
    begin(checked)
    train(job(checked), checked)
    return history(checked, job(checked))


def test_after_every_step_row_and_checkpoint_are_on_disk(sweep: CheckedSweep) -> None:
    work = job(sweep)
    session = BlockSession(work, run_context(sweep))
    for epoch in (1, 2):
        (advance,) = session.advance()
        assert (advance.state, advance.epoch) == (RunState.RUNNING, epoch)
        rows = read_journal(sweep.layout.run_journal(work.key, 1))
        assert [row["kind"] for row in rows] == ["start", *["epoch"] * epoch]
        assert checkpoint_epoch(sweep, work) == epoch
        best = max(row["valid_accuracy"] for row in rows[1:])
        assert advance.score == best
    (last,) = session.advance()
    session.close()
    assert (last.state, last.epoch) == (RunState.FINISHED, 3)
    found = history(sweep, work)
    assert (found.state, found.reason, found.score) == (RunState.FINISHED, "max_epochs", last.score)
    assert not last_checkpoint(sweep, work).exists()
    assert sweep.layout.best_weights(work.key).exists()


def last_checkpoint(sweep: CheckedSweep, work: Job) -> Path:
    return sweep.layout.checkpoints(work.key) / "last.safetensors"


def checkpoint_epoch(sweep: CheckedSweep, work: Job) -> int:
    data = open_training_data(sweep.data_root, "tiny")
    trainer = Trainer(work.config, data, seed=work.key.seed, device=torch.device("cpu"))
    trainer.restore(last_checkpoint(sweep, work))
    return trainer.epoch


KILLED_AT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tiny_sweep import checked_sweep, run_context
from sweeps.jobs.job import Job
from sweeps.execution.block_session import BlockSession
from results.records.run_journal import RunJournal
from causalmer_core.training.trainer import Trainer

where, count = sys.argv[3], int(sys.argv[4])
owner, name = {"row": (RunJournal, "epoch"), "weights": (Trainer, "save_weights"),
               "checkpoint": (Trainer, "save"), "end": (RunJournal, "end")}[where]
original, calls = getattr(owner, name), []

def killed(*arguments, **named):
    calls.append(1)
    if len(calls) == count and sys.argv[5] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    original(*arguments, **named)
    if len(calls) == count:
        os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, killed)
session = BlockSession(Job.from_json(sys.stdin.read()), run_context(checked_sweep(Path(sys.argv[2]))))
while not session.advance()[0].state.is_final:
    pass
"""


def kill_at(sweep: CheckedSweep, work: Job, point: str, count: int, moment: str) -> None:
    """Train in another process that is killed just before or after the n-th row, weights, checkpoint or end."""
    helpers = Path(sys.modules["tiny_sweep"].__file__ or "").parent
    folder = sweep.layout.root.parents[1]
    command = [sys.executable, "-c", KILLED_AT, str(helpers), str(folder), point, str(count), moment]
    done = subprocess.run(command, input=work.to_json(), text=True, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "count", "moment", "rows", "checkpoint"),
    [
        ("row", 1, "after", 1, None),
        ("checkpoint", 2, "before", 2, 1),
        ("checkpoint", 2, "after", 2, 2),
        ("row", 3, "after", 3, 2),
        ("end", 1, "before", 3, 3),
    ],
)
def test_a_killed_run_goes_on_from_its_checkpoint_and_ends_as_an_undisturbed_one(
    sweep: CheckedSweep,
    undisturbed: RunHistory,
    point: str,
    count: int,
    moment: str,
    rows: int,
    checkpoint: int | None,
) -> None:
    """A checkpoint at epoch k means that the rows up to k are durable, wherever the kill falls."""
    work = job(sweep)
    kill_at(sweep, work, point, count, moment)
    assert len(history(sweep, work).epochs) == rows
    if checkpoint is None:
        assert not last_checkpoint(sweep, work).exists()
    else:
        assert checkpoint_epoch(sweep, work) == checkpoint
    advance = train(work, sweep)
    found = history(sweep, work)
    assert advance.state is found.state is RunState.FINISHED
    assert (found.attempts, found.score, found.curve) == (2, undisturbed.score, undisturbed.curve)
    assert compared_rows(found) == compared_rows(undisturbed)
    second = [row["epoch"] for row in found.epochs if row["attempt"] == 2]
    assert second == list(range((checkpoint or 0) + 1, 4))


@pytest.mark.slow
def test_a_run_that_ended_unheard_is_not_trained_again(sweep: CheckedSweep) -> None:
    """Its process was killed after the end line: what Ray never heard stands in the record."""
    work = job(sweep)
    kill_at(sweep, work, "end", 1, "after")
    last_checkpoint(sweep, work).unlink(missing_ok=True)
    before = sweep.layout.run_journal(work.key, 1).read_bytes()
    advance = train(work, sweep)
    assert (advance.state, advance.epoch) == (RunState.FINISHED, 3)
    assert advance.score == history(sweep, work).score
    assert not sweep.layout.run_journal(work.key, 2).exists()
    assert sweep.layout.run_journal(work.key, 1).read_bytes() == before


def test_a_session_let_go_of_is_lost_and_the_next_one_goes_on(
    sweep: CheckedSweep, undisturbed: RunHistory
) -> None:
    work = job(sweep)
    session = BlockSession(work, run_context(sweep))
    session.advance()
    session.close()
    assert history(sweep, work).state is RunState.LOST
    train(work, sweep)
    assert compared_rows(history(sweep, work)) == compared_rows(undisturbed)
    assert [row["attempt"] for row in history(sweep, work).epochs] == [1, 2, 2]


def test_a_run_that_misses_a_threshold_ends_there_as_pruned(sweep: CheckedSweep) -> None:
    work = job(sweep, rung_thresholds={2: 2.0})
    advance = train(work, sweep)
    found = history(sweep, work)
    assert advance.state is found.state is RunState.PRUNED
    assert len(found.epochs) == advance.epoch == 2
    assert found.reason == f"best score {found.score:.4f} misses the threshold 2.0000 at epoch 2"


def test_a_run_at_its_thresholds_is_not_pruned(sweep: CheckedSweep, undisturbed: RunHistory) -> None:
    work = job(sweep, rung_thresholds={1: undisturbed.curve[1], 2: undisturbed.curve[2]})
    assert train(work, sweep).state is RunState.FINISHED


def test_lower_is_better_where_the_metric_says_so(sweep: CheckedSweep) -> None:
    work = job(sweep, rung_thresholds={1: -1.0})
    session = BlockSession(work, replace(run_context(sweep), direction="min"))
    assert session.advance()[0].state is RunState.PRUNED
    session.close()


def test_a_last_epoch_finishes_even_below_a_threshold(sweep: CheckedSweep) -> None:
    """A run that has done its epochs has nothing left to save."""
    assert train(job(sweep, rung_thresholds={3: 2.0}), sweep).state is RunState.FINISHED


@pytest.mark.slow
def test_a_run_killed_between_a_rungs_checkpoint_and_its_end_is_pruned_without_training(
    sweep: CheckedSweep,
) -> None:
    work = job(sweep, rung_thresholds={1: 2.0})
    kill_at(sweep, work, "end", 1, "before")
    assert history(sweep, work).state is RunState.LOST
    assert train(work, sweep).state is RunState.PRUNED
    found = history(sweep, work)
    assert (found.state, found.attempts, len(found.epochs)) == (RunState.PRUNED, 2, 1)
    kinds = [row["kind"] for row in read_journal(sweep.layout.run_journal(work.key, 2))]
    assert kinds == ["start", "end"]


@pytest.mark.slow
def test_a_run_killed_before_its_end_line_ends_as_and_for_what_an_undisturbed_one_does(
    sweep: CheckedSweep,
) -> None:
    """Its epochs are done: the threshold that it misses at the last one has no say, killed or not."""
    work = job(sweep, rung_thresholds={3: 2.0})
    kill_at(sweep, work, "end", 1, "before")
    assert train(work, sweep).state is RunState.FINISHED
    found = history(sweep, work)
    assert (found.state, found.reason, found.attempts) == (RunState.FINISHED, "max_epochs", 2)


def test_a_run_that_becomes_nan_ends_so_and_keeps_its_epochs(sweep: CheckedSweep) -> None:
    work = job(sweep)
    session = BlockSession(work, run_context(sweep))
    session.advance()
    assert session._runs[0]._trainer is not None
    with torch.no_grad():
        next(iter(session._runs[0]._trainer.model.parameters())).fill_(torch.nan)
    (advance,) = session.advance()
    session.close()
    found = history(sweep, work)
    assert advance.state is found.state is RunState.NAN
    assert "loss of epoch 2 is nan" in found.reason
    assert [row["epoch"] for row in found.epochs] == [1]
    assert train(work, sweep).state is RunState.NAN  # and is not tried again


def test_a_configuration_that_does_not_fit_the_data_fails_with_the_reason(sweep: CheckedSweep) -> None:
    work = job(sweep, model__backbone__kernel_text=9)
    assert train(work, sweep).state is RunState.FAILED
    found = history(sweep, work)
    assert (found.state, found.epochs) == (RunState.FAILED, ())
    assert "kernel_text is 9" in found.reason
    assert RunConfig.model_validate(found.config) == work.config


def test_a_run_that_needs_more_memory_than_there_is_ends_as_oom(sweep: CheckedSweep) -> None:
    work = job(sweep, model__backbone__hidden_dim=2**21, model__backbone__num_heads=2)
    assert train(work, sweep).state is RunState.OOM
    assert "can't allocate memory" in history(sweep, work).reason


def cut_journal(sweep: CheckedSweep, work: Job) -> None:
    """The start line and the first epoch are left, while the checkpoint is at epoch 3."""
    path = sweep.layout.run_journal(work.key, 1)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))


def lose_a_row(sweep: CheckedSweep, work: Job) -> None:
    """Lose a row, and repair the journal as a resumed sweep does."""
    path = sweep.layout.run_journal(work.key, 1)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for number, line in enumerate(lines) if number != 2))
    with pytest.raises(DamagedFileError, match="line 3: it is of epoch 3, and the line before of epoch 1"):
        history(sweep, work)
    repair(sweep.layout, lambda _: None)


def swap_for_another_seeds(name: str) -> Callable[[CheckedSweep, Job], None]:
    def swap(sweep: CheckedSweep, work: Job) -> None:
        other = replace(work, seeds=(2,))
        with BlockSession(other, run_context(sweep)) as session:
            session.advance()
        shutil.copyfile(sweep.layout.checkpoints(other.key) / name, sweep.layout.checkpoints(work.key) / name)

    return swap


def flip_a_bit(name: str) -> Callable[[CheckedSweep, Job], None]:
    def flip(sweep: CheckedSweep, work: Job) -> None:
        path = sweep.layout.checkpoints(work.key) / name
        content = bytearray(path.read_bytes())
        content[-1] ^= 0x40
        path.write_bytes(content)

    return flip


def cut_checkpoint(sweep: CheckedSweep, work: Job) -> None:
    path = last_checkpoint(sweep, work)
    path.write_bytes(path.read_bytes()[:-1000])


def claim_another_best(sweep: CheckedSweep, work: Job) -> None:
    """As a checkpoint of another training of the run would."""
    tensors, state = load_tensors(last_checkpoint(sweep, work))
    save_tensors(last_checkpoint(sweep, work), tensors, {**state, "best_value": state["best_value"] + 0.01})


def lose_weights(sweep: CheckedSweep, work: Job) -> None:
    sweep.layout.best_weights(work.key).unlink()


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of five epochs that was stopped after its third, and the folder of an undisturbed one."""
    folder = tmp_path_factory.mktemp("longer")
    for name, epochs in (("stopped", 3), ("undisturbed", 5)):
        (folder / name).mkdir()
        begin(sweep := checked_sweep(folder / name))
        with BlockSession(job(sweep, trainer__max_epochs=5), run_context(sweep)) as session:
            for _ in range(epochs):
                session.advance()
    return folder


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (cut_journal, "its checkpoint is of epoch 3, and rows of epochs before are not on record"),
        (lose_a_row, "its checkpoint is of epoch 3, and rows of epochs before are not on record"),
        (
            swap_for_another_seeds("last.safetensors"),
            "last.safetensors: it is the checkpoint of seed 2, needed 1",
        ),
        (flip_a_bit("last.safetensors"), "last.safetensors: its bytes do not match its digest"),
        (cut_checkpoint, "last.safetensors: its bytes do not match its digest"),
        (claim_another_best, "its checkpoint has another best epoch than its rows"),
        (lose_weights, "the weights of its best epoch are missing"),
        (
            swap_for_another_seeds("best.safetensors"),
            "best.safetensors: its weights are of seed 2, and those of 1 are needed",
        ),
        (flip_a_bit("best.safetensors"), "best.safetensors: its bytes do not match its digest"),
    ],
)
def test_a_checkpoint_that_does_not_agree_with_the_records_is_not_resumed_from(
    longer: Path, tmp_path: Path, harm: Callable[[CheckedSweep, Job], None], reason: str
) -> None:
    """The run trains from its start, and ends with the rows and the score of an undisturbed one."""
    shutil.copytree(longer / "stopped", tmp_path, dirs_exist_ok=True)
    sweep, undisturbed = checked_sweep(tmp_path), checked_sweep(longer / "undisturbed")
    work = job(sweep, trainer__max_epochs=5)
    harm(sweep, work)
    assert train(work, sweep).state is RunState.FINISHED
    found, expected = history(sweep, work), history(undisturbed, work)
    assert f"trained again from its start: {reason}" in found.notes
    assert compared_rows(found) == compared_rows(expected)
    assert (found.score, found.best_epoch, found.curve) == (
        expected.score,
        expected.best_epoch,
        expected.curve,
    )
    assert {row["attempt"] for row in found.epochs} == {2}


def test_rows_after_a_lost_one_are_not_part_of_a_run_that_has_not_ended(longer: Path, tmp_path: Path) -> None:
    shutil.copytree(longer / "stopped", tmp_path, dirs_exist_ok=True)
    sweep = checked_sweep(tmp_path)
    work = job(sweep, trainer__max_epochs=5)
    lose_a_row(sweep, work)
    assert [row["epoch"] for row in history(sweep, work).epochs] == [1]


def test_a_checkpoint_that_agrees_with_the_records_is_resumed_from(longer: Path, tmp_path: Path) -> None:
    shutil.copytree(longer / "stopped", tmp_path, dirs_exist_ok=True)
    sweep = checked_sweep(tmp_path)
    work = job(sweep, trainer__max_epochs=5)
    train(work, sweep)
    found = history(sweep, work)
    assert [row["attempt"] for row in found.epochs] == [1, 1, 1, 2, 2]
    assert "trained again" not in found.notes


def test_a_journal_that_cannot_be_written_is_raised(sweep: CheckedSweep) -> None:
    """Where nothing can be recorded, nothing may go on."""
    sweep.layout.run_journals.rmdir()
    sweep.layout.run_journals.touch()
    session = BlockSession(job(sweep), run_context(sweep))
    with pytest.raises(JournalError, match="cannot make the folder"):
        session.advance()
    session.close()


def test_two_sessions_never_train_one_run(sweep: CheckedSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "LOCK_SECONDS", 0.1)
    work = job(sweep)
    first = BlockSession(work, run_context(sweep))
    first.advance()
    with pytest.raises(UserError, match=f"run {work.key.stem}: another process trains it"):
        BlockSession(work, run_context(sweep))
    first.close()
    BlockSession(work, run_context(sweep)).close()
    journals = [path.name for path in sweep.layout.run_journals.glob("*.jsonl")]
    assert journals == [f"{work.key.stem}-a1.jsonl"]
