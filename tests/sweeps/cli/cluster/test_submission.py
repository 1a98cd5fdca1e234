"""Sweeps as jobs of a real head, by the commands that the documentation gives."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from canaries import SECRETS, leaks
from driven_sweep import MAIN, PATIENCE
from job_head import JobHead
from tiny_sweep import SHORTEST, YAML, write_sweep
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from cluster.jobs.job_server import JobServer, JobState
from results.records.histories import read_runs
from results.records.layout import SweepLayout
from results.records.run_journal import run_journal_files
from results.storage.journal import read_journal
from sweeps.cli.cluster.jobs import wait_for
from sweeps.cli.main import app

DOCUMENTATION = Path(__file__).parents[4] / "docs" / "clusters.md"


@pytest.fixture(scope="module")
def head() -> Iterator[JobHead]:
    with JobHead() as started:
        yield started


def call(head: JobHead, folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words,
        cwd=folder,
        env=head.plain_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def done(process: subprocess.Popen[str], code: int = 0) -> str:
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, output
    return output


def documented(start: str, head: JobHead, shared: Path) -> list[str]:
    """A command as the documentation has it, with this head and these places put in."""
    found = re.findall(rf"^ *({re.escape(start)}.*)$", DOCUMENTATION.read_text(), re.MULTILINE)
    assert len(found) == 1, found
    command = found[0].replace("http://127.0.0.1:8265", head.address)
    return shlex.split(command.replace("/shared", str(shared)).replace("SWEEP.yaml", "tiny.yaml"))


@pytest.mark.slow
def test_ray_job_submit_works_from_a_folder_with_nothing_but_the_sweep(head: JobHead, tmp_path: Path) -> None:
    shared, clean = tmp_path / "shared", tmp_path / "clean"
    shared.mkdir()
    clean.mkdir()
    write_sweep(clean, SHORTEST)
    command = documented("RAY_AUTH_MODE=token ray job submit", head, shared)
    output = done(call(head, clean, "env", *command))
    assert "succeeded" in output
    assert SweepLayout(shared / "runs" / "tiny").report.exists()
    assert [path.name for path in clean.iterdir()] == ["tiny.yaml"]
    assert leaks(head.files, tmp_path, secrets=[*SECRETS, head.token]) == []


@pytest.mark.slow
def test_a_job_that_was_stopped_is_gone_on_with_by_submitting_the_sweep_again(
    head: JobHead, tmp_path: Path
) -> None:
    layout = SweepLayout(tmp_path / "runs" / "tiny")
    write_sweep(tmp_path, SHORTEST.replace("num_configs: 1", "num_configs: 400"))
    here = ["--address", head.address]
    places = ["--storage", str(tmp_path / "runs"), "--data-root", str(tmp_path / "data")]
    submit = ["cluster", "submit", "tiny.yaml", *here, *places]
    said = done(call(head, tmp_path, *MAIN, *submit, "--no-wait"))
    job = re.search(r"submitted job (tiny-[0-9a-f]{6}); its records: (.*)", said)
    assert job is not None, said
    assert job[2] == str(layout.root)
    assert f"causalmer cluster stop {job[1]} --address {head.address}" in said

    follower = call(head, tmp_path, *MAIN, "cluster", "logs", job[1], "--follow", *here)
    end = time.monotonic() + PATIENCE
    while sum(len(read_journal(path)) for path in run_journal_files(layout)) < 4:
        assert time.monotonic() < end, head.asked(f"/api/jobs/{job[1]}/logs")
        time.sleep(0.1)
    assert follower.poll() is None
    follower.send_signal(signal.SIGINT)
    left = done(follower, 130)
    assert "joined the cluster of" in left
    assert f"the job continues to run\nfollow its output: causalmer cluster logs --follow {job[1]}" in left
    assert "run the same command again" not in left

    assert "STOPPED" in done(call(head, tmp_path, *MAIN, "cluster", "stop", job[1], *here))
    before = {run.key: len(run.spans) for run in read_runs(layout) if run.state.is_final}
    assert 0 < len(before) < 400
    output = done(call(head, tmp_path, *MAIN, *submit, "--set", "budget.runs=1"))
    assert output.endswith("SUCCEEDED with exit code 0: Job finished successfully.\n")
    after = {run.key: len(run.spans) for run in read_runs(layout)}
    assert before.items() <= after.items(), "what was finished has run again"
    assert layout.report.exists()
    jobs = head.asked("/api/jobs/")
    assert job[1] in jobs
    assert head.token not in jobs
    assert leaks(head.files, tmp_path, secrets=[*SECRETS, head.token]) == []


class Ended(JobServer):
    """A server on which every job has ended, with this exit code."""

    def __init__(self, code: int) -> None:
        self.address, self._code = "http://127.0.0.1:8265", code

    def state(self, job: str) -> JobState:
        return JobState("FAILED" if self._code else "SUCCEEDED", "", self._code, is_final=True)

    def logs(self, job: str) -> str:
        return "its words\n"


def test_who_waits_for_a_job_ends_with_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended:
        wait_for(Ended(2), "tiny-1", insecure=False)
    assert ended.value.exit_code == 2
    wait_for(Ended(0), "tiny-2", insecure=False)
    assert capsys.readouterr().out.splitlines() == [
        "its words",
        "job tiny-1: FAILED with exit code 2",
        "to resume the sweep from its records, submit it again",
        "its words",
        "job tiny-2: SUCCEEDED with exit code 0",
    ]


def test_places_that_would_be_in_the_job_s_own_folder_are_refused_with_their_lines(tmp_path: Path) -> None:
    text = YAML.replace("name: tiny\n", "name: tiny\nstorage: runs\n", 1)
    file = write_sweep(tmp_path, text)
    for command in (
        ["submit", str(file), "--address", "http://127.0.0.1:9"],
        ["template", "submit-script", "--sweep", str(file)],
    ):
        result = CliRunner().invoke(app, ["cluster", *command])
        assert isinstance(result.exception, UserError)
        storage, data = str(result.exception).splitlines()
        assert storage.startswith(f"{file}:2: storage: ")
        assert 'given "runs"; allowed an absolute path that all nodes share, here or by --storage' in storage
        assert data.startswith(f"{file}:3: data.root: ")
        assert data.endswith("here or by --data-root")


def test_records_may_go_to_an_address_and_data_sets_may_not(tmp_path: Path) -> None:
    file = write_sweep(tmp_path, YAML.replace("name: tiny\n", "name: tiny\nstorage: s3://bucket/runs\n", 1))
    command = ["cluster", "template", "submit-script", "--sweep", str(file), "--data-root"]
    assert CliRunner().invoke(app, [*command, "/shared/data"]).exit_code == 0
    refused = CliRunner().invoke(app, [*command, "s3://bucket/data"])
    assert isinstance(refused.exception, UserError)
    assert "data.root: " in str(refused.exception)
    assert "storage" not in str(refused.exception)
