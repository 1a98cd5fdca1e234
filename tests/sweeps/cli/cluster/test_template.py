"""`causalmer cluster template`: what users type, what stands in the file, and what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from causalmer_core.basics.errors import UserError
from sweeps.cli.cluster.app import app

SWEEP = """
name: My_sweep
data: {name: mosi}
storage: all_sweeps
$include: common.yaml
resources: {cpu: 2, gpu: 0.4}
search: {max_concurrent: 6}
"""
KUBERAY = ["kuberay", "--sweep", "sweep.yaml", "--image", "images.example/c:1", "--claim", "shared"]
AWS = ["ray-up-aws", "--region", "us-west-2", "--image", "ami-0a", "--instance", "g6.xlarge"]
GCP = ["ray-up-gcp", "--project", "p", "--zone", "us-west1-a", "--instance", "n1-standard-8"]


@pytest.fixture(autouse=True)
def in_a_folder_with_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sweep.yaml").write_text(SWEEP)
    Path("common.yaml").write_text("base: {trainer: {max_epochs: 7}}\n")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["template", *arguments], env={"COLUMNS": "120"})


def shown(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def error(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


def test_slurm_takes_name_and_size_from_the_sweep() -> None:
    script = shown("slurm", "--sweep", "sweep.yaml", "--nodes", "2")
    # three runs a node, two of which share a GPU
    for line in ("job-name=My_sweep", "nodes=2", "cpus-per-task=6", "gpus-per-node=2"):
        assert f"#SBATCH --{line}\n" in script
    assert "\nsweep=sweep.yaml\n" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_kuberay_takes_the_whole_sweep_with_what_it_includes() -> None:
    config_map, job = yaml.safe_load_all(shown(*KUBERAY, "--workers", "3"))
    inside = yaml.safe_load(config_map["data"]["sweep.yaml"])
    assert inside["base"] == {"trainer": {"max_epochs": 7}}
    assert "$include" not in inside
    assert "--storage /causalmer/all_sweeps" in job["spec"]["entrypoint"]
    (worker,) = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    limits = worker["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert (limits["cpu"], limits["nvidia.com/gpu"]) == ("4", "1")


def test_hosts_and_clouds_take_the_name_and_the_needs_where_a_sweep_is_given() -> None:
    hosts = yaml.safe_load(
        shown("ray-up", "--head", "a", "--workers", "b, c", "--ssh-user", "me", "--sweep", "sweep.yaml")
    )
    assert hosts["cluster_name"] == "my-sweep"
    assert hosts["provider"]["worker_ips"] == ["b", "c"]
    assert yaml.safe_load(shown(*AWS))["cluster_name"] == "sweep"
    cloud = yaml.safe_load(shown(*GCP, "--sweep", "sweep.yaml", "--image", "i", "--accelerator", "nvidia-l4"))
    assert cloud["available_node_types"]["worker"]["resources"] == {"CPU": 6, "GPU": 2}


def test_a_file_is_written_where_one_is_named() -> None:
    assert shown("slurm", "--out", "job.sh") == ""
    assert Path("job.sh").read_text() == shown("slurm")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["slurm", "--time", "soon"],
            '--time: not of the form that is expected; given "soon"; allowed minutes, H:M:S or D-H, such as '
            "12:00:00 or 1-00",
        ),
        (
            ["slurm", "--sweep", "sweep.yaml", "--cpus", "1"],
            "--cpus: no run fits on a node; given 1; allowed 2 or more, because the sweep's file has resources.cpu: 2",
        ),
        (["slurm", "--sweep", "sweep.yml"], "sweep.yml: no such file"),
        ([*AWS[:3], "--image", "ubuntu", *AWS[5:]], '--image: not of the form that is expected; given "ubuntu"'),
        ([*GCP, "--sweep", "sweep.yaml"], "the default image has no drivers for GPUs; allowed --image of one"),
        ([*KUBERAY, "--memory", "lots"], '--memory: not of the form that is expected; given "lots"; allowed an'),
        (["slurm", "--account", "a b", "--partition", "$x"], "--partition: not of the form"),
    ],
)  # fmt: skip
def test_mistakes_name_the_option_and_what_is_allowed(arguments: list[str], message: str) -> None:
    assert message in error(*arguments)


def test_a_file_that_cannot_be_written_is_told_without_a_traceback() -> None:
    assert "cannot write /proc/none/out.yaml" in error("slurm", "--out", "/proc/none/out.yaml")
