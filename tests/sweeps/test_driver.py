"""Whole sweeps through the real command line and a real Ray: undisturbed, killed, interrupted, repeated.

Judged are the records: tables without times, and an account of acknowledged rows taken before each kill.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest
from canaries import CANARIES, PROXIES, leaks
from driven_sweep import MAIN, PATIENCE, Sweep, assert_equal_records, assert_gone, family, trainers
from study_view import as_read, as_recorded
from trained_sweep import forget

from results.ranking.selection import read_selection
from results.records.histories import read_runs
from results.records.layout import SweepLayout
from results.records.schemas import RunState
from results.storage.journal import read_journal

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, ray_files: Path) -> Sweep:
    """The sweep in one go, with all processes that it started seen to be gone after it.

    Its environment is full of credentials.
    """
    sweep = Sweep(tmp_path_factory.mktemp("undisturbed"))
    sweep.environment = {
        **CANARIES,
        **PROXIES,
        "RAY_AUTH_TOKEN": CANARIES["SOME_PASSWORD"],
        "RAY_TMPDIR": str(ray_files),
    }
    process = sweep.start("run", "--cpus", "1")
    started: set[psutil.Process] = set()
    sweep.wait_for(lambda: sweep.rows() >= 2, process)
    started.update(family(process))
    sweep.wait_for(sweep.layout.evaluation_journal.exists, process)
    started.update(family(process))
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors + output
    (sweep.folder / "output").write_text(output, encoding="utf-8")
    (sweep.folder / "errors").write_text(errors, encoding="utf-8")
    assert len(started) > 3, "Ray's processes were not seen, so their end was not checked"
    assert_gone(list(started))
    return sweep


def test_a_sweep_leads_from_its_file_to_tables_and_report(undisturbed: Sweep) -> None:
    results = undisturbed.results
    runs = results.runs
    assert set(runs["state"]) <= {"finished", "pruned"}
    assert sorted(runs[runs["phase"] == "search"]["number"]) == [0, 1, 2, 3, 4]
    assert set(runs[runs["phase"] == "search"]["seed"]) == {0}
    confirmed = runs[(runs["phase"] == "confirm") & (runs["role"] == "candidate")]
    assert set(confirmed["seed"]) == {1, 2}
    assert confirmed["config_id"].value_counts().tolist() in ([2, 2], [2, 2, 2])
    evaluated = runs[runs["phase"] == "evaluate"]
    assert evaluated.groupby("role")["seed"].unique().map(list).to_dict() == {
        "candidate": [1000, 1001],
        "paper": [1000, 1001],
        "undebiased": [1000, 1001],
    }
    assert len(results.epochs) == runs["epochs"].sum()
    for name in ("epochs", "runs", "evaluations"):
        assert pd.read_parquet(undisturbed.layout.table(name)).equals(getattr(results, name))
    assert undisturbed.layout.report.stat().st_size > 100_000
    assert as_read(undisturbed.layout.study) == as_recorded(undisturbed.layout)


def test_the_selection_says_how_far_it_was_overstated_on_seeds_that_it_did_not_see(
    undisturbed: Sweep,
) -> None:
    selection = read_selection(undisturbed.layout)
    assert selection is not None
    runs = undisturbed.results.runs
    fresh = runs[(runs["config_id"] == selection.config_id) & (runs["phase"] == "evaluate")]
    assert selection.confirmed is not None
    assert selection.confirmed.mean == pytest.approx(fresh["score"].mean())
    assert selection.optimism == pytest.approx(selection.interval.mean - fresh["score"].mean())
    assert {0, 1, 2} >= set(selection.scores)


def test_every_contender_is_evaluated_with_every_seed_and_subset(undisturbed: Sweep) -> None:
    evaluations = undisturbed.results.evaluations
    for contender in ("selected", "paper", "undebiased"):
        rows = evaluations[evaluations["contender"] == contender]
        assert sorted(rows.groupby("seed")["present"].nunique().to_dict().items()) == [(1000, 8), (1001, 8)]
    assert evaluations["contender"].value_counts().to_dict() == {
        "selected": 6 * 16,
        "paper": 16,
        "undebiased": 16,
        "linear": 8,
        "majority": 1,
    }
    selected = evaluations[evaluations["contender"] == "selected"]
    assert set(selected["prediction"].value_counts()) == {16}


def test_what_is_chosen_after_training_is_on_record_before_the_test_split_is_opened(
    undisturbed: Sweep,
) -> None:
    chosen = read_journal(undisturbed.layout.debiasing_journal)
    (opening,) = [r for r in read_journal(undisturbed.layout.evaluation_journal) if r["kind"] == "opening"]
    assert {(row["seed"], row["method"]) for row in chosen} == {
        (seed, method) for seed in (1000, 1001) for method in ("paper", "configured", "learned", "searched")
    }
    assert all(row["time"] < opening["time"] for row in chosen)
    assert "debiasing after training" in (undisturbed.folder / "output").read_text(encoding="utf-8")


def test_the_output_is_ours_alone(undisturbed: Sweep) -> None:
    output = (undisturbed.folder / "output").read_text(encoding="utf-8")
    for part in (
        "search: 5 configurations",
        "confirm: the best 2",
        "select: ",
        "report: ",
        "mean validation",
    ):
        assert part in output
    assert "test accuracy, mean over seeds 1000, 1001" in output
    for foreign in ("ray::", "Tuner", "Trial status", "raylet", "ray.tune", "WARNING"):
        assert foreign not in output


def test_no_credential_of_the_environment_is_in_a_file_of_the_sweep_or_of_ray(
    undisturbed: Sweep, ray_files: Path
) -> None:
    assert [*ray_files.rglob("runtime_env_agent.log")], "Ray's logs were not looked at"
    assert leaks(undisturbed.folder, ray_files) == []


def test_the_same_sweep_on_two_workers_gives_equal_records(undisturbed: Sweep, tmp_path: Path) -> None:
    """Whatever runs beside whatever, and ends before whatever."""
    other = Sweep(tmp_path)
    other.done("run", "--cpus", "2")
    assert_equal_records(undisturbed, other)


def test_a_worker_that_is_killed_is_replaced_and_its_run_goes_on(undisturbed: Sweep, tmp_path: Path) -> None:
    sweep = Sweep(tmp_path)
    process = sweep.start("run", "--cpus", "1")
    sweep.wait_for(lambda: sweep.rows() >= 2, process)
    (worker,) = trainers(sweep, process)
    worker.kill()
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors + output
    assert_equal_records(undisturbed, sweep)
    assert max(history.attempts for history in read_runs(sweep.layout)) <= 2


def files(layout: SweepLayout) -> Iterator[tuple[str, bytes]]:
    for path in sorted((layout.root / "journals").rglob("*.jsonl")):
        yield path.name, path.read_bytes()


def test_a_finished_sweep_run_again_trains_nothing_and_leaves_the_test_split_closed(
    undisturbed: Sweep,
) -> None:
    """What a run may take of the machine does not affect its records, and may change."""
    before = dict(files(undisturbed.layout))
    output = undisturbed.done("run", "--set", "resources.cpu=0.5")
    assert dict(files(undisturbed.layout)) == before
    assert "evaluate: already on record" in output
    assert "a private Ray" not in output
    assert "mean validation accuracy" in output
    assert "test accuracy" in output


def test_runs_whose_weights_cannot_be_used_are_trained_again_before_the_evaluation(
    undisturbed: Sweep, tmp_path: Path
) -> None:
    """The sweep was stopped before its evaluation; then weights were lost, damaged and swapped."""
    shutil.copytree(undisturbed.folder, tmp_path, dirs_exist_ok=True)
    sweep = Sweep(tmp_path)
    for path in (sweep.layout.evaluation_journal, sweep.layout.debiasing_journal):
        forget(sweep.layout, path)
    evaluated = [run for run in read_runs(sweep.layout) if run.phase == "evaluate"]
    lost, damaged, *swapped = [sweep.layout.best_weights(run.key) for run in evaluated[:4]]
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:-1])
    contents = [path.read_bytes() for path in swapped]
    for path, content in zip(swapped, reversed(contents), strict=True):
        path.write_bytes(content)
    output = sweep.done("resume", "--cpus", "1")
    assert output.count("to be trained again, because its weights cannot be used") == 4
    assert_equal_records(undisturbed, sweep)
    assert {run.attempts for run in read_runs(sweep.layout) if run.key in {r.key for r in evaluated[:4]}} == {
        3
    }


def test_a_sweep_whose_file_changed_is_refused_with_the_keys(undisturbed: Sweep) -> None:
    before = dict(files(undisturbed.layout))
    refused = undisturbed.run("run", "--set", "search.seed=1", "--set", "base.trainer.max_epochs=4")
    assert refused.returncode == 2
    assert "differed in base.trainer.max_epochs, search.seed; change this back" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert dict(files(undisturbed.layout)) == before


def test_a_second_driver_at_once_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path)
    first = sweep.start("run", "--cpus", "1")
    try:
        sweep.wait_for(lambda: sweep.layout.lock.exists() and sweep.layout.lock.read_text() != "", first)
        refused = sweep.run("resume")
        assert refused.returncode == 2
        assert f"(process {first.pid} holds" in refused.stderr
        assert "another process runs the sweep" in refused.stderr
        state = sweep.done("status")
        assert "tiny-" in state
    finally:
        first.kill()
        first.communicate()


def test_evaluating_again_from_the_command_line_opens_nothing(undisturbed: Sweep) -> None:
    before = undisturbed.layout.evaluation_journal.read_bytes()
    command = [*MAIN, "results", "evaluate", "tiny.yaml"]
    shown = subprocess.run(command, cwd=undisturbed.folder, capture_output=True, text=True, check=True).stdout
    assert "test accuracy, mean over seeds 1000, 1001" in shown
    assert undisturbed.layout.evaluation_journal.read_bytes() == before


def test_states_are_final_after_a_sweep(undisturbed: Sweep) -> None:
    assert all(
        history.state in (RunState.FINISHED, RunState.PRUNED) for history in read_runs(undisturbed.layout)
    )
