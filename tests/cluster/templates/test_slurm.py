"""Slurm's script, run by a real bash: `srun` and `ray` stand-ins say what they were asked, and end as theirs do."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from cluster.templates.slurm import SlurmJob

JOB = SlurmJob(name="small", sweep="my sweep.yaml", nodes=2, cpus=6, gpus=1, time="1-00", partition="gpu")

COMMANDS = {
    "scontrol": 'printf "node1\\nnode2\\n"',
    "getent": 'printf "127.0.1.1 STREAM node1\\n10.1.2.3 STREAM\\n"',
    "srun": """
        printf '%s\\n' "$@" > srun.said
        env | grep -E '^(RAY|SRUN)_' > srun.env
        while [ "$1" != ray ]; do shift; done
        exec "$@"
    """,
    "ray": """
        if [ "$1" = get-auth-token ]; then mkdir -p "$HOME/.ray"; echo s3cret | tee "$HOME/.ray/auth_token"; exit 0; fi
        if [ -e ray.fails ]; then echo "Failed to start Ray" >&2; exit 0; fi
        while [ "$1" != -- ]; do shift; done
        shift
        "$@"
    """,
    "causalmer": """
        printf '%s\\n' "$@" > causalmer.said
        trap 'echo ended > causalmer.ended; exit 130' TERM
        touch causalmer.began
        if [ -e causalmer.waits ]; then while :; do sleep 0.05; done; fi
        exit "$(cat causalmer.code 2> /dev/null || echo 0)"
    """,
}


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The working directory of a job, with the script in it and the commands of a cluster on the path."""
    (tmp_path / "bin").mkdir()
    for name, body in COMMANDS.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/usr/bin/env bash\n{body}\n")
        path.chmod(0o755)
    (tmp_path / "job.sh").write_text(JOB.render())
    return tmp_path


def begin(node: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": f"{node / 'bin'}:{os.environ['PATH']}",
        "HOME": str(node),
        "SLURM_JOB_ID": "17",
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_CPUS_PER_TASK": "6",
        "SLURM_SUBMIT_DIR": str(node),
    }
    command = ["bash", "job.sh", *arguments]
    return subprocess.Popen(
        command, cwd=node, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def run(node: Path, *arguments: str) -> tuple[int, str]:
    job = begin(node, *arguments)
    output, _ = job.communicate(timeout=60)
    return job.returncode, output


def test_the_sweep_runs_on_all_nodes_under_one_token(node: Path) -> None:
    code, output = run(node)
    assert (code, output) == (0, "")
    said = (node / "srun.said").read_text().splitlines()
    assert said[said.index("ray") :][:2] == ["ray", "symmetric-run"]
    asked = said[said.index("--address") : said.index("--")]
    options = dict(zip(asked[::2], asked[1::2], strict=True))
    assert options["--address"] == "10.1.2.3:6379", "a loopback address would make every node a head"
    assert (options["--min-nodes"], options["--num-cpus"], options["--num-gpus"]) == ("2", "6", "1")
    assert options["--dashboard-host"] == "127.0.0.1"
    expected = ["run", "my sweep.yaml", "--address", "auto"]
    assert (node / "causalmer.said").read_text().splitlines() == expected
    environment = (node / "srun.env").read_text()
    assert "RAY_AUTH_MODE=token" in environment
    assert "SRUN_CPUS_PER_TASK=6" in environment
    assert (node / ".ray" / "auth_token").stat().st_mode & 0o777 == 0o600
    assert not list(node.glob(".causalmer-*")), "a mark was left behind"


def test_a_ray_that_did_not_start_is_a_failure(node: Path) -> None:
    """`ray symmetric-run` itself ends with 0 then."""
    (node / "ray.fails").touch()
    code, output = run(node)
    assert code == 1
    assert "error: Ray did not start on all 2 nodes" in output
    assert not (node / "causalmer.said").exists()


def test_the_sweep_s_own_failure_is_the_job_s(node: Path) -> None:
    (node / "causalmer.code").write_text("2")
    assert run(node) == (2, "")


def test_before_the_time_is_up_the_sweep_is_asked_to_end(node: Path) -> None:
    (node / "causalmer.waits").touch()
    job = begin(node)
    deadline = time.monotonic() + 30
    while not (node / "causalmer.began").exists():
        assert time.monotonic() < deadline, job.poll()
        time.sleep(0.05)
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=60)
    assert job.returncode == 130
    assert (node / "causalmer.ended").read_text() == "ended\n"


def test_the_file_can_be_named_when_the_job_is_submitted(node: Path) -> None:
    (node / "job.sh").write_text(SlurmJob(cpus=6).render())
    code, output = run(node)
    assert code != 0
    assert "name a sweep" in output
    assert run(node, "other.yaml")[0] == 0
    assert (node / "causalmer.said").read_text().splitlines()[1] == "other.yaml"


def test_what_slurm_is_asked_for_stands_before_the_first_command() -> None:
    head = JOB.render().split("\nset -eo")[0]
    asked = dict(re.findall(r"^#SBATCH --([a-z-]+)=?(.*)$", head, flags=re.MULTILINE))
    assert asked == {
        "job-name": "small",
        "nodes": "2",
        "ntasks-per-node": "1",
        "cpus-per-task": "6",
        "gpus-per-node": "1",
        "mem": "0",
        "exclusive": "",
        "no-kill": "",
        "time": "1-00",
        "partition": "gpu",
        "signal": "B:TERM@180",
        "output": "%x-%j.log",
    }


@pytest.mark.parametrize("job", [JOB, SlurmJob(cpus=1), SlurmJob(cpus=1, activate=". ~/x/bin/activate")])
def test_shellcheck_has_nothing_to_say(job: SlurmJob, tmp_path: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    script = tmp_path / "job.sh"
    script.write_text(job.render())
    ignored = "SC1090,SC1091"  # files that are sourced elsewhere
    done = subprocess.run(["shellcheck", "-e", ignored, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("fields", [{"name": "a b"}, {"time": "soon"}, {"partition": "x;y"}, {"cpus": 0}])
def test_what_sbatch_would_misread_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SlurmJob.model_validate({"cpus": 1, **fields})
