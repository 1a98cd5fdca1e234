"""A run trains on the data that its configuration names, or waits for them: it never takes others, and never fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_sweep import begin, checked_sweep, compared_rows, run_context, train

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.faults import MachineFaultError
from causalmer_core.datasets.store import dataset_folder, open_training_data, write_dataset
from causalmer_core.datasets.synthetic import SyntheticConfig, make_synthetic
from results.records.histories import RunHistory, read_run
from results.records.schemas import RunState
from sweeps.execution import runner
from sweeps.execution.block_session import BlockSession
from sweeps.execution.interruption import Interruption
from sweeps.execution.retries import Retries
from sweeps.execution.shares import same_for_all
from sweeps.jobs.job import Job
from sweeps.jobs.source import JobList, reuse_nothing
from sweeps.setup.preflight import CheckedSweep
from sweeps.setup.sweep_folder import continue_sweep


def job(sweep: CheckedSweep) -> Job:
    config = sweep.configurations.base
    return Job(config=config, seeds=(1,), phase="search", role="candidate", number=0)


def history(sweep: CheckedSweep) -> RunHistory:
    found = read_run(sweep.layout, job(sweep).key)
    assert found is not None
    return found


def rows(sweep: CheckedSweep) -> list[dict[str, Any]]:
    """The run's rows, without the versions' and the attempts' own values."""
    return compared_rows(history(sweep), "sweep_id")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    sweep = checked_sweep(tmp_path_factory.mktemp("undisturbed"))
    begin(sweep)
    train(job(sweep), sweep)
    return rows(sweep)


def write(sweep: CheckedSweep, seed: int) -> None:
    """Write the sweep's data (seed 0), or others of the same form, and make them current."""
    made = make_synthetic(SyntheticConfig(seed=seed, train=64, valid=32, test=32, time=4))
    write_dataset(sweep.data_root, "tiny", task=made.task, splits=made.splits, force=True)
    assert (open_training_data(sweep.data_root, "tiny").fingerprint == sweep.data.fingerprint) is (seed == 0)


def test_data_written_under_the_same_name_change_no_run(
    sweep: CheckedSweep, undisturbed: list[dict[str, Any]]
) -> None:
    session = BlockSession(job(sweep), run_context(sweep))
    session.advance()
    session.interrupt("the sweep was stopped")
    write(sweep, 9)
    train(job(sweep), sweep)
    assert history(sweep).state is RunState.FINISHED
    assert rows(sweep) == undisturbed


def _remove(folder: Path) -> None:
    shutil.rmtree(folder.parent)


def _remove_version(folder: Path) -> None:
    shutil.rmtree(folder)


def _remove_file(folder: Path) -> None:
    (folder / "valid_text.npy").unlink()


def _empty(folder: Path) -> None:
    (folder / "train_ids.json").write_bytes(b"")


def _flip(folder: Path) -> None:
    content = bytearray((folder / "train_labels.npy").read_bytes())
    content[-8] ^= 1
    (folder / "train_labels.npy").write_bytes(content)


HARMS = {
    _remove: "no data set 'tiny'",
    _remove_file: r"valid_text\.npy is damaged: it is missing",
    _empty: r"train_ids\.json is damaged: it has 0 bytes",
    _flip: r"train_labels\.npy is damaged: .*checksum",
}


@pytest.mark.parametrize(("harm", "epochs"), [*((harm, 0) for harm in HARMS), (_remove, 1)])
def test_data_that_are_gone_or_damaged_interrupt_the_attempt_and_the_run_goes_on_when_they_are_back(
    sweep: CheckedSweep, undisturbed: list[dict[str, Any]], harm: Callable[[Path], None], epochs: int
) -> None:
    if epochs:
        session = BlockSession(job(sweep), run_context(sweep))
        session.advance()
        session.interrupt("the sweep was stopped")
    harm(dataset_folder(sweep.data_root, "tiny"))
    for attempt in (1, 2):
        with pytest.raises(MachineFaultError, match=HARMS[harm]) as caught:
            train(job(sweep), sweep)
        assert str(caught.value).startswith("DataUnavailableError: ")
        found = history(sweep)
        assert (found.state, found.attempts) == (RunState.INTERRUPTED, epochs + attempt)
        assert "causalmer data import FILE --name tiny" in found.reason
        assert len(found.epochs) == epochs
    write(sweep, 0)
    train(job(sweep), sweep)
    assert history(sweep).state is RunState.FINISHED
    assert rows(sweep) == undisturbed


class Told:
    """Notes what it is notified of."""

    def __init__(self) -> None:
        self.ended: list[RunHistory] = []
        self.stopped: list[str] = []

    def notify(self, text: str) -> None: ...

    def run_started(self, job: Job) -> None: ...

    def epoch_done(self, key: object, epoch: int, score: float | None) -> None: ...

    def run_ended(self, run: RunHistory) -> None:
        self.ended.append(run)

    def run_stopped(self, key: object, why: str, *, again: bool) -> None:
        assert again
        self.stopped.append(why)


def test_data_that_stay_away_stop_the_sweep_with_their_name_version_and_remedy_and_fail_no_run(
    sweep: CheckedSweep,
) -> None:
    write(sweep, 9)
    shutil.rmtree(dataset_folder(sweep.data_root, "tiny", sweep.data.fingerprint))
    told, work = Told(), job(sweep)
    jobs = runner._Jobs(
        JobList([], lambda key: read_run(sweep.layout, key), reuse_nothing),
        work,
        sweep.layout,
        run_context(sweep),
        same_for_all(sweep.layout, sweep.spec.resources.least),
        Retries(1),
        told,
        Interruption(told.notify),
    )
    jobs.suggest("first")
    for _ in range(2):
        assert jobs.error is None
        with pytest.raises(MachineFaultError):
            train(work, sweep)
        jobs._jobs["first"] = work
        jobs.on_trial_complete("first", error=True)
    (waits,) = told.stopped
    assert waits.endswith("; resumes in 1 s")
    version = sweep.data.fingerprint[:16]
    assert isinstance(jobs.error, UserError)
    for words in (
        f"data set 'tiny' in {sweep.data_root.resolve()} has no version {version}",
        "--force",
        "not recorded",
    ):
        assert words in str(jobs.error)
    assert told.ended == []
    assert history(sweep).state is RunState.INTERRUPTED


def test_a_sweep_that_has_begun_keeps_its_data_and_a_new_one_gets_the_current(tmp_path: Path) -> None:
    drawn = checked_sweep(tmp_path)
    imported = {"data__synthetic": None}  # as imported data are given: by their name alone
    begin(checked_sweep(tmp_path, **imported))
    write(drawn, 9)
    again = checked_sweep(tmp_path, **imported)
    assert again.data.fingerprint == drawn.data.fingerprint
    assert continue_sweep(again) == []
    new = checked_sweep(tmp_path, name="other", **imported)
    assert new.data.fingerprint != drawn.data.fingerprint


@pytest.mark.parametrize("harm", [_remove, _remove_version, _remove_file, _empty, _flip])
def test_a_sweep_draws_its_synthetic_data_again_where_they_are_gone_or_damaged(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    first = checked_sweep(tmp_path)
    begin(first)
    write(first, 9)
    other = open_training_data(first.data_root, "tiny").fingerprint
    harm(dataset_folder(first.data_root, "tiny", first.data.fingerprint))
    assert checked_sweep(tmp_path).data.fingerprint == first.data.fingerprint
    if harm is not _remove:
        assert open_training_data(first.data_root, "tiny").fingerprint == other, "the current version changed"


def test_imported_data_that_are_gone_are_the_users_error_before_a_sweep_starts(tmp_path: Path) -> None:
    first = checked_sweep(tmp_path)
    begin(first)
    shutil.rmtree(first.data_root / "tiny")
    with pytest.raises(UserError, match=r"no data set 'tiny' in .*causalmer data import FILE --name tiny"):
        checked_sweep(tmp_path, data__synthetic=None)
