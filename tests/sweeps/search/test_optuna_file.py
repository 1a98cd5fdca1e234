"""Optuna's view of the search: equal to the records, whole after a kill, and never the search's own concern."""

from __future__ import annotations

import random
from pathlib import Path

import optuna
import pytest
from optuna.storages.journal import JournalFileSymlinkLock
from simulated_search import Simulated, simulated
from study_view import as_read, as_recorded, read_study
from tiny_sweep import YAML
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from results.records.schemas import RunState
from results.storage.locks import exclusive_lock
from sweeps.cli.main import app
from sweeps.cli.results import app as results
from sweeps.search.optuna_file import write_study

REPEATING = YAML.replace(
    YAML[YAML.index("space:") : YAML.index("search:")],
    "space: {model.fusion: {choice: [sum, hm, tanh, mask]}, model.backbone.layers: {choice: [1, 2]}}\n",
)
"""A space so small that proposals repeat configurations."""


def searched(folder: Path, text: str = YAML, **overrides: object) -> Simulated:
    search = simulated(folder, text, watch=True, **overrides)
    search.run(2, random.Random(0))
    assert search.said == []
    return search


@pytest.mark.parametrize("text", [YAML, REPEATING], ids=["conditional", "repeating"])
def test_the_file_says_what_the_records_say(tmp_path: Path, text: str) -> None:
    search = searched(tmp_path / "x", text, search__num_configs=14)
    found = as_read(search.layout.study)
    assert found == as_recorded(search.layout)
    assert {"COMPLETE", "PRUNED"} <= {trial["state"] for trial in found}
    study = read_study(search.layout.study)
    assert study.study_name == "tiny"
    assert study.direction is optuna.study.StudyDirection.MAXIMIZE
    assert study.metric_names == ["valid_accuracy"]
    assert study.best_trial.value == max(trial["value"] for trial in found if trial["state"] == "COMPLETE")
    (tmp_path / "lost").mkdir()
    write_study(search.layout, search.sweep.configurations, tmp_path / "lost" / "anew.log")
    assert as_read(tmp_path / "lost" / "anew.log") == found


def test_a_trial_runs_until_its_last_block_has_ended(tmp_path: Path) -> None:
    search = simulated(tmp_path / "x", watch=True, seeds={"search": 3, "block": 2}, search__max_concurrent=1)
    first = search.take()
    search.end(first.key, RunState.FINISHED)
    (trial,) = read_study(search.layout.study).trials
    assert trial.state is optuna.trial.TrialState.RUNNING
    second = search.take()
    assert second.key.config_id == first.key.config_id
    search.end(second.key, RunState.FAILED)
    (trial,) = read_study(search.layout.study).trials
    assert trial.state is optuna.trial.TrialState.FAIL
    assert trial.user_attrs["states"] == {"0": "finished", "1": "finished", "2": "failed"}
    assert as_read(search.layout.study) == _anew(search, tmp_path)


def test_a_file_that_a_kill_tore_is_mended_by_the_next_start(tmp_path: Path) -> None:
    undisturbed = searched(tmp_path / "undisturbed")
    search = simulated(tmp_path / "x", watch=True)
    search.run(2, random.Random(0), until=4)
    running = {job.number for job in search.running.values()}
    search.kill()
    with search.layout.study.open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"torn in the mid')
        file.write(
            b'{"op_code":4}\n{"op_code":4}\n'
        )  # Optuna appends to a torn line and cannot read what follows
    with pytest.raises(ValueError, match=r"delimiter|column"):
        read_study(search.layout.study)
    lock = JournalFileSymlinkLock(str(search.layout.study))
    assert lock.acquire()  # and the killed process held the lock
    search.open()
    assert {t.number for t in read_study(search.layout.study).trials if not t.state.is_finished()} == running
    search.run(2, random.Random(0))
    assert as_read(search.layout.study) == as_read(undisturbed.layout.study) == as_recorded(search.layout)
    assert search.said == []


def test_a_file_that_cannot_be_written_is_told_once_and_costs_nothing(tmp_path: Path) -> None:
    undisturbed = searched(tmp_path / "undisturbed")
    search = simulated(tmp_path / "x", watch=True)
    search.run(2, random.Random(0), until=3)
    search.layout.study.unlink()
    search.layout.study.mkdir()
    search.run(2, random.Random(0))
    assert search.proposals == undisturbed.proposals
    (told,) = search.said
    assert told.startswith(f"note: {search.layout.study} cannot be written (IsADirectoryError: ")
    search.layout.study.rmdir()
    assert write_study(search.layout, search.sweep.configurations, search.layout.study) == len(
        search.proposals
    )
    assert as_read(search.layout.study) == as_recorded(search.layout)


def test_the_command_writes_it_and_leaves_a_running_sweeps_own_alone(tmp_path: Path) -> None:
    search = searched(tmp_path / "x", search__num_configs=4, seeds__top_k=1)
    expected = as_read(search.layout.study)
    search.layout.study.unlink()
    done = CliRunner().invoke(app, ["results", "study", str(search.layout.root)])
    assert (done.exit_code, as_read(search.layout.study)) == (0, expected)
    assert f"optuna-dashboard {search.layout.study}" in done.output
    before = search.layout.study.read_bytes()
    copy = tmp_path / "copy.log"
    with exclusive_lock(search.layout.lock):
        with pytest.raises(UserError, match=r"is running and keeps the file itself; .*--out FILE"):
            results.write_study_file(str(search.layout.root))
        results.write_study_file(str(search.layout.root), copy)
    assert as_read(copy) == expected
    assert search.layout.study.read_bytes() == before


def _anew(search: Simulated, folder: Path) -> list[dict[str, object]]:
    write_study(search.layout, search.sweep.configurations, folder / "anew.log")
    return as_read(folder / "anew.log")
