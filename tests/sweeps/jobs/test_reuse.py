"""Runs that another sweep has finished are reused as if this one had trained them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from objectives_by_hand import HIGHER
from tiny_sweep import YAML, begin, checked_sweep, compared_rows, record_run, run_context, train, train_block

from causalmer_core.training.checkpoint import FORMAT, load_tensors, save_tensors
from results.records.dataset import open_sweep
from results.records.histories import RunHistory, read_run
from results.records.manifest import read_sweep_manifest
from results.records.schemas import RunState
from sweeps.execution.block_session import BlockSession
from sweeps.jobs.job import Job
from sweeps.jobs.reuse import Reuse
from sweeps.jobs.source import JobList, NoJob
from sweeps.setup.preflight import CheckedSweep


def named(folder: Path, name: str) -> CheckedSweep:
    """A sweep of this name; all of a folder share their storage."""
    sweep = checked_sweep(folder, YAML.replace("name: tiny\n", f"name: {name}\n", 1))
    begin(sweep)
    return sweep


def job(
    sweep: CheckedSweep, phase: str = "search", rung_thresholds: Mapping[int, float] | None = None
) -> Job:
    config = sweep.configurations.base
    number = 0 if phase == "search" else None
    return Job(
        config=config,
        seeds=(1,),
        phase=phase,
        role="candidate",
        number=number,
        rung_thresholds=rung_thresholds or {},
    )


def history(sweep: CheckedSweep) -> RunHistory:
    found = read_run(sweep.layout, job(sweep).key)
    assert found is not None
    return found


def measured(found: RunHistory) -> list[dict[str, Any]]:
    return compared_rows(found, "phase")


def reused(sweep: CheckedSweep, work: Job) -> tuple[RunHistory | None, list[str]]:
    notify: list[str] = []
    reuse = Reuse(
        sweep.layout, objectives=HIGHER, notify=lambda run: notify.append(run.reused_from or ""), warn=print
    )
    return (history(sweep) if reuse(work) else None), notify


@pytest.fixture
def sweeps(tmp_path: Path) -> tuple[CheckedSweep, CheckedSweep]:
    """One whose run is trained, and another beside it."""
    first, second = named(tmp_path, "first"), named(tmp_path, "second")
    assert train(job(first), first).state is RunState.FINISHED
    return first, second


def test_a_finished_run_is_taken_over_with_its_rows_its_weights_and_whence_it_came(
    sweeps: tuple[CheckedSweep, CheckedSweep],
) -> None:
    first, second = sweeps
    found, notify = reused(second, job(second))
    origin = read_sweep_manifest(first.layout).sweep_id
    assert notify == [origin]
    assert found == history(second)
    assert measured(history(second)) == measured(history(first))
    assert (found.state, found.reason, found.score) == (
        RunState.FINISHED,
        history(first).reason,
        history(first).score,
    )
    assert found.reused_from == origin
    assert found.notes.endswith(f"reused from {origin}")
    weights = [sweep.layout.best_weights(job(sweep).key).read_bytes() for sweep in sweeps]
    assert weights[0] == weights[1]
    (row,) = open_sweep(second.layout).runs.to_dict("records")
    assert (row["reused_from"], row["sweep_id"]) == (origin, read_sweep_manifest(second.layout).sweep_id)
    assert open_sweep(first.layout).runs["reused_from"].isna().all()


def test_weights_that_were_taken_over_outlive_the_sweep_they_came_from(
    sweeps: tuple[CheckedSweep, CheckedSweep],
) -> None:
    first, second = sweeps
    reused(second, job(second))
    kept = first.layout.best_weights(job(first).key).read_bytes()
    first.layout.best_weights(job(first).key).unlink()
    assert second.layout.best_weights(job(second).key).read_bytes() == kept


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_run_is_cut_at_the_threshold_at_which_training_it_here_would_have_been(
    sweeps: tuple[CheckedSweep, CheckedSweep], tmp_path: Path, epoch: int
) -> None:
    """A threshold at the last epoch has no say, for there is nothing left to save."""
    work = job(sweeps[1], rung_thresholds={epoch: 2.0})
    found, _ = reused(sweeps[1], work)
    trained = named(tmp_path, "trained")
    train(work, trained)
    assert found is not None
    assert found.state is (RunState.FINISHED if epoch == 3 else RunState.PRUNED)
    own = history(trained)
    assert (found.state, found.reason, found.score, found.curve) == (
        own.state,
        own.reason,
        own.score,
        own.curve,
    )
    assert measured(found) == measured(own)


@pytest.mark.parametrize(
    "state", [None, RunState.INTERRUPTED, RunState.PRUNED, RunState.NAN, RunState.FAILED, RunState.TIMEOUT]
)
def test_a_run_that_another_sweep_still_writes_or_did_not_finish_is_not_taken_over(
    tmp_path: Path, state: RunState | None
) -> None:
    first, second = named(tmp_path, "first"), named(tmp_path, "second")
    record_run(first.layout, job(first), [0.5, 0.6], state)
    weights = first.layout.best_weights(job(first).key)
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    assert reused(second, job(second)) == (None, [])
    assert list(second.layout.run_journals.iterdir()) == []


def test_a_run_without_its_weights_is_trained_again(sweeps: tuple[CheckedSweep, CheckedSweep]) -> None:
    first, second = sweeps
    first.layout.best_weights(job(first).key).unlink()
    assert reused(second, job(second)) == (None, [])


def _flip_a_bit(weights: Path, _: CheckedSweep) -> None:
    content = bytearray(weights.read_bytes())
    content[-1] ^= 0x40
    weights.write_bytes(content)


def _give_another_seeds(weights: Path, sweep: CheckedSweep) -> None:
    other = replace(job(sweep), seeds=(2,))
    train(other, sweep)
    shutil.copyfile(sweep.layout.best_weights(other.key), weights)


def _be_of_a_newer_version(weights: Path, _: CheckedSweep) -> None:
    tensors, metadata = load_tensors(weights)
    save_tensors(weights, tensors, {**metadata, "format": FORMAT + 1})


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (_flip_a_bit, "its bytes do not match its digest"),
        (_be_of_a_newer_version, "was written by a newer causalmer"),
        (_give_another_seeds, "its weights are of seed 2, and those of 1 are needed"),
    ],
)
def test_a_run_whose_weights_are_damaged_or_from_elsewhere_is_trained_again_and_said_so(
    sweeps: tuple[CheckedSweep, CheckedSweep], harm: Callable[[Path, CheckedSweep], None], fault: str
) -> None:
    first, second = sweeps
    harm(first.layout.best_weights(job(first).key), first)
    said: list[str] = []
    reuse = Reuse(second.layout, objectives=HIGHER, notify=lambda _: None, warn=said.append)
    assert not reuse(job(second))
    (text,) = said
    assert text.startswith(f"run {job(second).key.stem}: not reused from {first.layout.place}, where it has ")
    assert fault in text
    assert not second.layout.best_weights(job(second).key).exists()
    assert list(second.layout.run_journals.iterdir()) == []


def test_a_run_that_lacks_an_epochs_row_is_trained_again(sweeps: tuple[CheckedSweep, CheckedSweep]) -> None:
    first, second = sweeps
    journal = first.layout.run_journal(job(first).key, 1)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(line for number, line in enumerate(lines) if number != 1))
    assert reused(second, job(second)) == (None, [])


def test_another_seed_is_another_run(sweeps: tuple[CheckedSweep, CheckedSweep]) -> None:
    assert reused(sweeps[1], replace(job(sweeps[1]), seeds=(2,))) == (None, [])


def test_a_confirmation_takes_over_what_another_sweep_searched_with_its_seed(
    sweeps: tuple[CheckedSweep, CheckedSweep],
) -> None:
    """Seed 1 is fresh here: this sweep's search runs with seed 0 and learns from no other."""
    second = sweeps[1]
    plan = second.spec.seed_plan()
    assert history(sweeps[0]).phase == "search"
    assert 1 in plan.confirm
    assert 1 not in plan.search
    found, _ = reused(second, job(second, "confirm"))
    assert found is not None
    assert (found.phase, found.number) == ("confirm", None)
    assert set(open_sweep(second.layout).epochs["phase"]) == {"confirm"}


def test_whoever_trained_a_run_is_named_however_often_it_is_taken_over(
    sweeps: tuple[CheckedSweep, CheckedSweep], tmp_path: Path
) -> None:
    first, second = sweeps
    reused(second, job(second))
    origin = read_sweep_manifest(first.layout).sweep_id
    first.layout.best_weights(job(first).key).unlink()
    third = named(tmp_path, "third")
    found, notify = reused(third, job(third))
    assert notify == [origin]
    assert found is not None
    assert found.notes.count("reused from") == 1


def test_a_run_begun_here_is_taken_over_where_another_sweep_has_finished_it_meanwhile(
    sweeps: tuple[CheckedSweep, CheckedSweep],
) -> None:
    first, second = sweeps
    session = BlockSession(job(second), run_context(second))
    session.advance()
    session.close()
    found, _ = reused(second, job(second))
    assert found is not None
    assert (found.state, found.attempts) == (RunState.FINISHED, 2)
    assert measured(found) == measured(history(first))
    assert not second.layout.last_checkpoint(job(second).key).exists()


def test_a_list_gives_out_what_could_not_be_taken_over(sweeps: tuple[CheckedSweep, CheckedSweep]) -> None:
    second = sweeps[1]
    other = replace(job(second), seeds=(2,))
    reuse = Reuse(second.layout, objectives=HIGHER, notify=lambda _: None, warn=print)
    source = JobList([job(second), other], lambda key: read_run(second.layout, key), reuse)
    assert [source.next_job(), source.next_job()] == [other, NoJob.NEVER]


BLOCK = (1, 2)


@pytest.mark.parametrize("missed", [1, 2, 3])
def test_a_block_is_cut_at_the_threshold_at_which_training_it_here_would_have_been(
    tmp_path: Path, missed: int
) -> None:
    first, second, trained = named(tmp_path, "first"), named(tmp_path, "second"), named(tmp_path, "trained")
    work = replace(job(first), seeds=BLOCK)
    train_block(work, first)
    cut = replace(work, rung_thresholds={missed: 2.0})
    notify: list[str] = []
    assert Reuse(
        second.layout, objectives=HIGHER, notify=lambda run: notify.append(run.reused_from or ""), warn=print
    )(cut)
    assert notify == [read_sweep_manifest(first.layout).sweep_id] * 2
    train_block(cut, trained)
    for key in work.keys:
        taken, own = (read_run(sweep.layout, key) for sweep in (second, trained))
        assert taken is not None
        assert own is not None
        assert (taken.state, taken.reason, taken.curve) == (own.state, own.reason, own.curve)
        assert measured(taken) == measured(own)


def test_a_block_is_taken_over_whole_or_not_at_all(sweeps: tuple[CheckedSweep, CheckedSweep]) -> None:
    """Seed 1 is finished there, seed 2 is not."""
    second = sweeps[1]
    reuse = Reuse(second.layout, objectives=HIGHER, notify=lambda _: None, warn=print)
    assert not reuse(replace(job(second), seeds=BLOCK))
    assert list(second.layout.run_journals.iterdir()) == []


def test_a_run_that_was_not_measured_as_this_sweep_wants_it_is_not_taken_over(
    sweeps: tuple[CheckedSweep, CheckedSweep], tmp_path: Path
) -> None:
    """The worst without a modality is missing in one sweep's records, and in another's it is there."""
    text = YAML + "constraints: [{worst_missing: accuracy, at_least: 0}]\n"
    wanting = [
        checked_sweep(tmp_path, text.replace("name: tiny\n", f"name: {name}\n", 1))
        for name in ("third", "fourth")
    ]
    for sweep in wanting:
        begin(sweep)
    third, fourth = (
        Reuse(s.layout, objectives=s.objectives, notify=lambda *_: None, warn=print) for s in wanting
    )
    assert not third(job(wanting[0]))
    train(job(wanting[0]), wanting[0])
    assert fourth(job(wanting[1]))
    rows, own = history(wanting[1]).epochs, history(wanting[0]).epochs
    assert [row.get("worst_missing_accuracy") for row in rows] == [
        row.get("worst_missing_accuracy") for row in own
    ]
    assert all(("worst_missing_accuracy" in row) == row["is_best"] for row in own)
    assert measured(history(sweeps[0])) == [
        {key: value for key, value in row.items() if key != "worst_missing_accuracy"}
        for row in measured(history(wanting[0]))
    ]
