"""Attempts at runs, and the one history that all attempts make."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import handmade
import pytest

from causalmer_core.basics.errors import UserError
from results.records.histories import parameter_value, read_runs
from results.records.layout import SweepLayout
from results.records.run_journal import attempts
from results.records.schemas import RunState
from results.storage.journal import JournalError
from results.storage.locks import exclusive_lock, is_locked


@pytest.fixture
def layout(tmp_path: Path) -> SweepLayout:
    return handmade.empty_sweep(tmp_path)


def test_attempts_count_from_one_and_each_has_its_file(layout: SweepLayout) -> None:
    for number in (1, 2, 3):
        with handmade.begin(layout, "1", 7) as journal:
            assert journal.attempt == number
    assert attempts(layout, handmade.key("1", 7)) == [1, 2, 3]
    assert attempts(layout, handmade.key("1", 70)) == []


RACER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import handmade
from results.records.layout import SweepLayout
layout = SweepLayout(Path(sys.argv[2]))
sys.stdin.readline()
for _ in range(20):
    with handmade.begin(layout, "1", 7) as journal:
        print(journal.attempt)
"""


def test_two_processes_never_share_an_attempt(layout: SweepLayout) -> None:
    command = [sys.executable, "-c", RACER, str(Path(handmade.__file__).parent), str(layout.root)]
    active = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for racer in active:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    taken = [int(line) for racer in active for line in racer.communicate()[0].split()]
    assert all(racer.returncode == 0 for racer in active)
    assert sorted(taken) == list(range(1, 41))


def test_a_new_attempt_clears_the_ballast_of_a_killed_one(layout: SweepLayout) -> None:
    left = layout.run_journals / f".{layout.run_journal(handmade.key('1', 7), 1).name}.ballast"
    handmade.begin(layout, "1", 7).close()
    left.write_bytes(b"left behind")
    with handmade.begin(layout, "1", 7):
        assert not left.exists()


def test_an_ended_run_takes_nothing_more(layout: SweepLayout) -> None:
    journal = handmade.begin(layout, "1", 7)
    assert not journal.ended
    journal.end(RunState.FINISHED, peak_bytes=5)
    assert journal.ended
    with pytest.raises(JournalError, match="closed"):
        journal.epoch(handmade.epoch_row(0.5, 1))


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.LOST])
def test_a_run_does_not_end_as_unfinished(layout: SweepLayout, state: RunState) -> None:
    with handmade.begin(layout, "1", 7) as journal, pytest.raises(ValueError, match="does not end"):
        journal.end(state)


def test_an_epoch_needs_its_number(layout: SweepLayout) -> None:
    with handmade.begin(layout, "1", 7) as journal, pytest.raises(ValueError, match="'epoch'"):
        journal.epoch({"train_loss": 1.0})


def test_the_history_of_a_resumed_run_has_every_epoch_once_from_its_last_attempt(layout: SweepLayout) -> None:
    handmade.write_runs(layout)
    history = {run.key: run for run in read_runs(layout)}[handmade.key(handmade.WINNER, 1)]
    assert [(row["epoch"], row["attempt"]) for row in history.epochs] == [(1, 1), (2, 2), (3, 2), (4, 2)]
    assert history.epochs[1]["train_loss"] == 0.5  # the killed attempt had said 99
    assert (history.attempts, history.state, history.best_epoch) == (2, RunState.FINISHED, 3)
    assert history.score == pytest.approx(0.80)
    assert history.seconds == pytest.approx(8.0)


def test_epochs_beyond_the_end_of_the_last_attempt_are_not_part_of_the_run(layout: SweepLayout) -> None:
    with handmade.begin(layout, "1", 7) as killed:
        for epoch in (1, 2, 3, 4):
            killed.epoch(handmade.epoch_row(0.5, epoch))
    with handmade.begin(layout, "1", 7) as resumed:
        resumed.epoch(handmade.epoch_row(0.5, 2))
        (running,) = read_runs(layout)
        assert [row["epoch"] for row in running.epochs] == [1, 2, 3, 4]
        resumed.end(RunState.PRUNED, "cut")
    (pruned,) = read_runs(layout)
    assert [row["epoch"] for row in pruned.epochs] == [1, 2]
    assert pruned.best_epoch == 2


def test_an_attempt_with_nothing_left_to_train_keeps_the_epochs_before_it(layout: SweepLayout) -> None:
    with handmade.begin(layout, "1", 7) as killed:
        for epoch in (1, 2, 3, 4):
            killed.epoch(handmade.epoch_row(0.5, epoch))
    with handmade.begin(layout, "1", 7) as resumed:
        resumed.end(RunState.FINISHED)
    (run,) = read_runs(layout)
    assert [row["epoch"] for row in run.epochs] == [1, 2, 3, 4]
    assert run.score == pytest.approx(0.5)


def test_a_run_without_an_end_is_running_under_a_driver_and_lost_without(layout: SweepLayout) -> None:
    with handmade.begin(layout, "1", 7) as journal:
        journal.epoch(handmade.epoch_row(0.5, 1))
    with exclusive_lock(layout.lock):
        assert is_locked(layout.lock)
        assert [run.state for run in read_runs(layout)] == [RunState.RUNNING]
    assert not is_locked(layout.lock)
    assert [run.state for run in read_runs(layout)] == [RunState.LOST]
    assert [run.state for run in read_runs(layout, reconcile=False)] == [RunState.RUNNING]


def test_an_attempt_killed_before_its_first_line_is_no_record(layout: SweepLayout) -> None:
    handmade.finish(layout, "1", 1)
    layout.run_journal(handmade.key("1", 1), 2).write_bytes(b"0123abcd {half")
    (run,) = read_runs(layout)
    assert (run.attempts, run.state) == (1, RunState.FINISHED)


def test_a_run_without_a_best_epoch_has_no_score(layout: SweepLayout) -> None:
    handmade.write_runs(layout)
    run = {run.key: run for run in read_runs(layout)}[handmade.key("5", 0)]
    assert (run.state, run.best_epoch, run.score, run.best_row) == (RunState.NAN, None, None, None)


def test_a_conditional_parameter_is_empty_where_it_was_not_drawn(layout: SweepLayout) -> None:
    handmade.write_runs(layout)
    runs = {run.key: run for run in read_runs(layout)}
    assert (
        parameter_value(runs[handmade.key("0", 1)], "loss.beta") is None
    )  # though its configuration says 0.5
    assert parameter_value(runs[handmade.key("1", 1)], "loss.beta") == 0.5
    assert (
        parameter_value(runs[handmade.key("paper", 1)], "loss.beta") == 0.5
    )  # looked up in the configuration
    assert parameter_value(runs[handmade.key("paper", 1)], "model.absent.path") is None


def test_a_held_lock_refuses_a_second_holder_and_names_the_first(layout: SweepLayout) -> None:
    with (
        exclusive_lock(layout.lock),
        pytest.raises(UserError, match=r"a driver is at work \(process \d+"),
        exclusive_lock(layout.lock, wait=False, busy="a driver is at work"),
    ):
        pass
