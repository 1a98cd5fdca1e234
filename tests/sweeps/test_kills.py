"""Sweeps under fire: any of their processes killed at random moments, two at once, Ctrl-C once and twice.

What was lost is judged against an account of acknowledged rows that the records have no part in (`witness`).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
import witness
from driven_sweep import PATIENCE, Sweep, assert_equal_records, assert_gone, family, trainers
from study_view import as_read, as_recorded
from tiny_sweep import YAML

from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import RunConfig
from results.records.histories import read_runs
from results.records.run_journal import parse_attempt, run_journal_files
from results.records.schemas import RunState
from results.storage.journal import read_journal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

LONGER = (
    YAML.replace("max_epochs: 3", "max_epochs: 8")
    .replace("num_configs: 5", "num_configs: 6")
    .replace("seeds: {", "seeds: {search: 2, ")
)
"""Its search trains blocks of two seeds."""
KILLS = 10


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    sweep = Sweep(tmp_path_factory.mktemp("undisturbed"), LONGER)
    sweep.done("run", "--cpus", "1")
    return sweep


def watched(folder: Path) -> tuple[Sweep, Path]:
    """A sweep with a witness, and the witness's log."""
    sweep, log = Sweep(folder, LONGER), folder / "acknowledged"
    path = [str(witness.install(folder / "hook", log)), os.environ.get("PYTHONPATH", "")]
    sweep.environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return sweep, log


def victim(kind: str, sweep: Sweep, driver: subprocess.Popen[str]) -> psutil.Process | None:
    """A process of this driver's own: itself, one that trains, or the node process of its private Ray."""
    if kind == "driver":
        return psutil.Process(driver.pid)
    if kind == "worker":
        return next(iter(trainers(sweep, driver)), None)
    own = psutil.Process(driver.pid).children()
    return next((child for child in own if child.name() == "raylet"), None)


def test_ten_kills_at_random_moments_lose_nothing_and_double_nothing(
    undisturbed: Sweep, tmp_path: Path
) -> None:
    """Kills may fall between an epoch's row and its checkpoint, time after time: then no run gets any further."""
    patient = ("--cpus", "2", "--set", f"failure.retries={KILLS}")
    sweep, log = watched(tmp_path)
    moments = random.Random(20)
    killed: list[str] = []
    driver = sweep.start("run", *patient)
    for kind in moments.sample(["driver"] * 4 + ["worker"] * 3 + ["raylet"] * 3, k=KILLS):
        rows = epochs(log)
        sweep.wait_for(
            lambda rows=rows, driver=driver: epochs(log) > rows and trainers(sweep, driver) != [], driver
        )  # type: ignore[misc]
        time.sleep(moments.uniform(0.0, 0.5))
        assert driver.poll() is None, "the sweep was over before it was killed ten times"
        if target := victim(kind, sweep, driver):
            target.kill()
            killed.append(kind)
        if kind == "driver":
            driver.communicate(timeout=PATIENCE)
            driver = sweep.start("resume", *patient)
    output, errors = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, errors + output
    assert len(killed) == KILLS, killed
    assert rows_lost(sweep, log) == []
    assert rows_under_a_wrong_configuration(sweep) == []
    assert not sweep.results.epochs.duplicated(["config_id", "seed", "epoch"]).any()
    assert not sweep.results.runs.duplicated(["config_id", "seed"]).any()
    assert_equal_records(undisturbed, sweep)
    assert as_read(sweep.layout.study) == as_recorded(sweep.layout)


def epochs(log: Path) -> int:
    return len(witness.acknowledged(log)) if log.exists() else 0


def rows_lost(sweep: Sweep, log: Path, *, cut_off: int = 0) -> list[dict[str, object]]:
    """Acknowledged rows that their journal does not have as they were. As many as `cut_off` processes were ended for
    good, each perhaps after it wrote a row and before it acknowledged that.
    """
    journals = {
        (key.stem, attempt): [row for row in read_journal(path) if row["kind"] == "epoch"]
        for path in run_journal_files(sweep.layout)
        for key, attempt in [parse_attempt(path)]
    }
    account = witness.acknowledged(log)
    assert len(account) + cut_off >= len(sweep.results.epochs), "the witness did not see every row"
    return [
        seen
        for seen in account
        if not any(seen["row"].items() <= row.items() for row in journals[seen["stem"], seen["attempt"]])
    ]


def rows_under_a_wrong_configuration(sweep: Sweep) -> list[str]:
    """Journals whose configuration is not the one that their name says."""
    wrong = []
    for path in run_journal_files(sweep.layout):
        rows = read_journal(path)
        if (
            rows
            and config_id(RunConfig.model_validate(rows[0]["config"])) != parse_attempt(path)[0].config_id
        ):
            wrong.append(path.name)
    return wrong


def test_two_sweeps_at_once_on_one_storage_lose_and_mix_nothing(undisturbed: Sweep, tmp_path: Path) -> None:
    """They may take runs over from one another; the records are those of a sweep alone all the same."""
    sweeps = [Sweep(tmp_path, LONGER, name) for name in ("one", "other")]
    drivers = [sweep.start("run", "--cpus", "1") for sweep in sweeps]
    ends = [driver.communicate(timeout=2 * PATIENCE) for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0], ends
    for sweep in sweeps:
        assert_equal_records(undisturbed, sweep, but_for=["reused_from", "notes"])
        assert rows_under_a_wrong_configuration(sweep) == []
        assert set(sweep.results.runs["sweep_id"]) == {sweep.results.manifest.sweep_id}


def test_a_sweep_trains_nothing_that_another_has_finished(undisturbed: Sweep) -> None:
    again = Sweep(undisturbed.folder, LONGER, "again")
    again.done("run", "--cpus", "1")
    assert_equal_records(undisturbed, again, but_for=["reused_from", "notes"])
    runs = again.results.runs
    finished = runs["state"] == "finished"
    assert set(runs[finished]["reused_from"]) == {undisturbed.results.manifest.sweep_id}
    assert runs[~finished]["reused_from"].isna().all()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_runs_end_their_epoch_and_says_so_in_their_records(
    tmp_path: Path, number: signal.Signals
) -> None:
    sweep, log = watched(tmp_path)
    driver = sweep.start("run", "--cpus", "2")
    sweep.wait_for(lambda: sweep.rows() >= 6 and trainers(sweep, driver) != [], driver)
    started = family(driver)
    driver.send_signal(number)
    output, errors = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 130
    assert (
        "each running run ends after its epoch, with a checkpoint; interrupt again to end at once" in output
    )
    assert "run the same command again" in errors
    assert "Traceback" not in errors
    assert_gone(started)
    states = {history.key: history.state for history in read_runs(sweep.layout)}
    assert RunState.INTERRUPTED in states.values()
    assert RunState.LOST not in states.values()
    for key, state in states.items():
        assert sweep.layout.last_checkpoint(key).exists() is (state is RunState.INTERRUPTED)
    assert rows_lost(sweep, log) == []


def test_a_second_signal_ends_at_once_and_loses_no_row(tmp_path: Path) -> None:
    sweep, log = watched(tmp_path)
    driver = sweep.start("run", "--cpus", "2")
    sweep.wait_for(lambda: sweep.rows() >= 6 and trainers(sweep, driver) != [], driver)
    started = family(driver)
    stopped = trainers(sweep, driver)
    for process in stopped:
        process.suspend()  # their epochs do not end
    driver.send_signal(signal.SIGINT)
    time.sleep(2.0)
    assert driver.poll() is None, "it did not wait for the epochs"
    driver.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, errors = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 130
    assert time.monotonic() - began < 60
    assert "Traceback" not in errors
    assert_gone(started)
    assert rows_lost(sweep, log, cut_off=len(stopped)) == []
