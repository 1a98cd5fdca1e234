"""`causalmer run`, `plan` and `status`, as typed: bad input stops before anything starts, in one line each."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_sweep import YAML, begin, checked_sweep, record_run, write_sweep

from sweeps.cli.main import main
from sweeps.jobs.job import Job

InertModule = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> InertModule:
    """Types a command in an empty folder; its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["causalmer", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def changed(old: str, new: str) -> str:
    assert YAML.count(old) == 1
    return YAML.replace(old, new)


SYNTHETIC = "  synthetic: {seed: 0, train: 64, valid: 32, test: 32, emotions: 1, time: 4}\n"
BAD = {
    "unknown key": (
        changed("num_configs: 5", "num_config: 5"),
        "num_config: 5",
        "search.num_config: unknown key",
        "(did you mean 'num_configs'?)",
    ),
    "wrong type": (
        changed("num_configs: 5", "num_configs: five"),
        "num_configs: five",
        'search.num_configs: wrong type; given "five"',
        "a whole number",
    ),
    "low above high": (
        changed("[0.01, 1.0]", "[2.0, 1.0]"),
        "loss.alpha",
        "space.loss.alpha: the lowest, 2.0, is above the highest, 1.0",
        "[low, high] with low <= high",
    ),
    "log with 0": (
        changed("[0.01, 1.0]", "[0, 1.0]"),
        "loss.alpha",
        "space.loss.alpha: a logarithmic range cannot start at 0.0",
        "low above 0",
    ),
    "unknown fusion": (
        changed("tanh, mask]}\n", "tanh, mask, masc]}\n"),
        "model.fusion: {choice",
        'space.model.fusion: "masc" gives no valid configuration',
        "'mask'",
    ),
    "unknown backbone": (
        changed("hidden_dim: 8\n", "name: mulled\n      hidden_dim: 8\n"),
        "    backbone:",
        "base.model.backbone: unknown name",
        "'mult'",
    ),
    "missing data": (
        changed(SYNTHETIC, ""),
        "  name: tiny",
        "data.name: no data set 'tiny'",
        "causalmer data import FILE --name tiny",
    ),
    "one and a half GPUs": (
        YAML + "resources: {gpu: 1.5}\n",
        "gpu: 1.5",
        "resources.gpu: GPUs above one cannot be divided; given 1.5",
        "a whole number",
    ),
    "more GPUs than there are": (
        YAML + "resources: {gpu: 64}\n",
        "gpu: 64",
        "resources.gpu: a trial asks for more than there is; given 64",
        "available",
    ),
    "a file where the results go": (
        YAML + "storage: tiny.yaml/below\n",
        "storage:",
        "storage: cannot write to tiny.yaml/below (Not a directory)",
        "a folder of yours",
    ),
    "unknown metric": (
        changed("max_epochs: 3", "max_epochs: 3, monitor: acuracy"),
        "acuracy",
        "base.trainer.monitor: unknown metric of a emotions task 'acuracy'",
        "did you mean 'accuracy'?",
    ),
    "kernel wider than the sequence": (
        changed("kernel_text: 1", "kernel_text: 5"),
        "base:",
        "base: model.backbone.kernel_text is 5, but the data has 4 text steps",
        "1 to 4",
    ),
}
"""By name: the file, a part of the line to blame, what is wrong and what was given, and what is allowed."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name.startswith("more GPUs") else name for name in BAD],
)
def test_bad_input_is_told_with_place_and_remedy_and_starts_nothing(
    shell: InertModule, tmp_path: Path, name: str
) -> None:
    text, blamed, what, allowed = BAD[name]
    write_sweep(tmp_path, text)
    code, output, errors = shell("run", "tiny.yaml")
    assert code == 2
    assert what in errors
    assert allowed in errors
    assert "Traceback" not in errors + output
    place = f"error: tiny.yaml:{line_of(text, blamed)}: "
    assert all(line.startswith(place) for line in errors.splitlines()), errors
    runs = tmp_path / "causalmer_runs" / "tiny" / "journals" / "runs"
    assert not runs.exists() or not list(runs.iterdir())


@pytest.mark.parametrize("verb", ["run", "plan", "resume", "status"])
def test_a_file_that_is_not_there_is_told(shell: InertModule, verb: str) -> None:
    code, _, errors = shell(verb, "absent.yaml")
    assert code == 2
    assert errors.startswith("error: absent.yaml: no such file")


def test_what_was_set_on_the_command_line_is_blamed_on_it(shell: InertModule, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    code, _, errors = shell("run", "tiny.yaml", "--set", "base.trainer.monitor=f1")
    assert code == 2
    assert errors.startswith("error: --set: base.trainer.monitor: unknown metric")
    assert "allowed: accuracy" in errors


def test_nothing_to_resume_is_told(shell: InertModule, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    code, _, errors = shell("resume", "tiny.yaml")
    assert code == 2
    assert "nothing to resume" in errors
    assert "causalmer run tiny.yaml" in errors
    assert not (tmp_path / "causalmer_runs" / "tiny").exists()


def test_a_plan_shows_what_would_run_and_starts_nothing(shell: InertModule, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    code, output, _ = shell("plan", "tiny.yaml", "--cpus", "2")
    assert code == 0
    for part in (
        "4 parameters, a continuum",
        "at most 5 runs by tpe with seed 0",
        "at most 4 runs of the best 2 with seeds 1, 2",
        "at most 6 runs of the selected configuration, the paper's default and the undebiased twin with seeds",
        "1 CPU, 0 GPU a run; 2 at once",
        "at most 3 a run",
        "ms a step",
        "measured on this CPU",
    ):
        assert part in output
    assert not (tmp_path / "causalmer_runs" / "tiny").exists()
    import ray

    assert not ray.is_initialized()


def test_a_plan_counts_a_small_space(shell: InertModule, tmp_path: Path) -> None:
    head, _, tail = YAML.partition("  loss.alpha:")
    write_sweep(tmp_path, head + tail[tail.index("search:") :])
    _, output, _ = shell("plan", "tiny.yaml")
    assert "1 parameters, 4 configurations" in output
    assert "at most 4 runs" in output


def test_status_tells_how_runs_stand(shell: InertModule, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    code, _, errors = shell("status", "tiny.yaml")
    assert code == 2
    assert "no sweep" in errors
    sweep = checked_sweep(tmp_path, storage=str(tmp_path / "causalmer_runs"))
    begin(sweep)
    assert "no run has been recorded yet" in shell("status", "tiny.yaml")[1]
    config = sweep.configurations.base
    for seed, state in ((0, "finished"), (1, None)):
        job = Job(config=config, seeds=(seed,), phase="search", role="candidate", number=seed)
        record_run(sweep.layout, job, [0.5, 0.75], *([] if state else [None]))
    code, output, _ = shell("status", "tiny.yaml")
    assert code == 0
    row = next(line.split() for line in output.splitlines() if line.startswith("search"))
    assert row == ["search", "2", "1", "finished,", "1", "lost", "4", "0.7500"]
    assert "no process runs it; last record 0:00:0" in output
    assert "1 finished, 0 pruned, 0 failed" in output
    assert ": 0.7500 over 1 seed, no interval" in output
    assert "12 runs an hour, 0.0133 epochs a second in the last minutes" in output
    assert "budget" not in output
    for place in ("causalmer_runs/tiny", "tiny"):
        assert shell("status", place)[1].splitlines()[:3] == output.splitlines()[:3]
    assert shell("status", "tiny", "--watch", "0.1")[0] == 0, (
        "nobody runs it, so there is nothing to wait for"
    )


def test_status_tells_what_the_budget_has_left(shell: InertModule, tmp_path: Path) -> None:
    budget = {"runs": 4, "hours": 2.0, "gpu_hours": 3.0, "target": 0.9}
    sweep = checked_sweep(tmp_path, storage=str(tmp_path / "causalmer_runs"), budget=budget)
    begin(sweep)
    config = sweep.configurations.base
    work = Job(config=config, seeds=(0,), phase="search", role="candidate", number=0)
    record_run(sweep.layout, work, [0.5, 0.75])
    output = shell("status", "tiny")[1]
    for part in (
        "1 of 4 configurations",
        "of 2 hours",
        "0 of 3 GPU hours",
        "until a configuration reaches 0.9",
    ):
        assert part in output


def test_a_sweep_is_found_by_its_file_its_folder_and_its_name(shell: InertModule, tmp_path: Path) -> None:
    write_sweep(tmp_path, YAML + "storage: elsewhere\n")
    sweep = checked_sweep(tmp_path, YAML, storage=str(tmp_path / "elsewhere"))
    write_sweep(tmp_path, YAML + "storage: elsewhere\n")
    begin(sweep)
    places = (["tiny.yaml"], ["elsewhere/tiny"], ["tiny", "--storage", "elsewhere"])
    outputs = [shell("results", "leaderboard", *place) for place in places]
    assert outputs[0] == outputs[1] == outputs[2]
    assert outputs[0][0] == 0
    assert "no run has been recorded yet" in outputs[0][1]
    code, _, errors = shell("results", "leaderboard", "tiny.yaml", "--storage", "nowhere")
    assert code == 2
    assert "no sweep" in errors


def test_evaluating_before_a_selection_says_what_to_do(shell: InertModule, tmp_path: Path) -> None:
    write_sweep(tmp_path)
    begin(checked_sweep(tmp_path, storage=str(tmp_path / "causalmer_runs")))
    code, _, errors = shell("results", "evaluate", "tiny.yaml")
    assert code == 2
    assert "has no selection yet" in errors
    assert "causalmer resume" in errors
