"""A look at a real cluster, also where one of its nodes sees another folder than the others."""

from __future__ import annotations

import fcntl
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from object_server import BUCKET, CREDENTIALS, ObjectServer
from ray import cloudpickle
from ray_nodes import RayNodes

from causalmer_core.datasets.store import dataset_folder, write_dataset
from causalmer_core.datasets.synthetic import SyntheticConfig, make_synthetic
from cluster.nodes.check_nodes import sent_whole
from cluster.nodes.node_probe import LOCK, FolderProbe, Inspector

MAIN = [sys.executable, "-c", "from sweeps.cli.main import main; main()", "cluster", "check"]
ISOLATED = ["unshare", "--mount", "--propagation", "private"]

SWEEP = """
name: wide
data: {{name: mosi, root: {root}}}
storage: runs
resources: {{cpu: 3}}
"""


def check(nodes: RayNodes, folder: Path, *arguments: str | Path, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [*MAIN, "--address", nodes.address, *map(str, arguments)],
        env={**nodes.environment, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    """A head and a node, which may enter object stores, and find none where nothing tells them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}.items():
            patch.setenv(name, value)
        cluster = RayNodes(head_cpus=0)
    with cluster:
        cluster.add(2)
        yield cluster


@contextmanager
def node_with_another_view(cluster: RayNodes, folder: Path) -> Iterator[None]:
    """A further node for which an empty file system lies over the folder."""
    if subprocess.run([*ISOLATED, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no right to make a mount namespace")
    ray = Path(sys.executable).with_name("ray")
    script = f'mount -t tmpfs none "{folder}" && exec "{ray}" start --address={cluster.address} --num-cpus=1 --block'
    node = subprocess.Popen(
        [*ISOLATED, "bash", "-c", script],
        env={**cluster.environment, "RAY_AUTH_MODE": "token"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert node.stdout is not None
        for line in node.stdout:
            if "Ray runtime started" in line:
                break
        else:
            pytest.fail(f"the node did not start: {node.wait()}")
        yield
    finally:
        node.terminate()
        node.communicate(timeout=100)


@pytest.mark.slow
def test_a_cluster_that_shares_its_storage_can_run_a_sweep(nodes: RayNodes, tmp_path: Path) -> None:
    code, output = check(nodes, tmp_path, "--storage", "runs", "--json")
    found: dict[str, Any] = json.loads(output)
    assert (code, found["findings"]) == (0, [])
    assert sorted(node["cpus"] for node in found["nodes"]) == [0.0, 2.0]
    assert [node["is_head"] for node in found["nodes"]].count(True) == 1
    for node in found["nodes"]:
        assert node["facts"]["versions"] == found["here"][0]["versions"]
        assert abs(node["skew"]) <= node["skew_bound"] + 0.01, "the clocks are the same one"
        assert node["storage"] == {"unwritable": None, "unread": {}, "locks": True, "lacks": []}
    assert found["here"][0]["storage"] == str(tmp_path / "runs")
    assert not list((tmp_path / "runs").iterdir()), "files of the check were left behind"


@pytest.mark.slow
def test_a_node_that_sees_another_folder_is_named(nodes: RayNodes, tmp_path: Path) -> None:
    storage, root = tmp_path / "runs", tmp_path / "runs" / "data"
    made = make_synthetic(SyntheticConfig(train=8, valid=4, test=4, emotions=1, time=4))
    write_dataset(root, "mosi", task=made.task, splits=made.splits)
    data = dataset_folder(root, "mosi")
    (tmp_path / "wide.yaml").write_text(SWEEP.format(root=root))
    with node_with_another_view(nodes, storage):
        code, output = check(nodes, tmp_path, "--sweep", "wide.yaml")
    assert code == 1
    assert f"mount the same file system at {storage} on every node" in output
    assert f"has no {data}; put the data on the file system that the nodes share" in output
    assert "no node has the 3 CPUs and 0 GPUs that a run asks for" in output
    assert output.count("problem: ") == 4, (
        output
    )  # it cannot write, it cannot read, it lacks the data; the size
    assert output.count("not shared") == 1
    assert "can run here" not in output


@pytest.mark.slow
def test_an_object_store_that_every_node_reaches_is_shared(
    nodes: RayNodes, server: ObjectServer, tmp_path: Path
) -> None:
    code, output = check(nodes, tmp_path, "--storage", server.uri("sweeps"), "--json")
    left = server.names("sweeps")
    found: dict[str, Any] = json.loads(output)
    assert (code, found["findings"], left) == (0, [], [])
    assert found["here"][0]["storage"] == server.uri("sweeps")
    assert [node["storage"]["unread"] for node in found["nodes"]] == [{}, {}]


@pytest.mark.slow
def test_nodes_that_do_not_reach_the_object_store_are_named(
    nodes: RayNodes, server: ObjectServer, tmp_path: Path
) -> None:
    """The endpoint stands in the environment of the process that looks, and in that of no node."""
    there = {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.port}"}
    code, output = check(nodes, tmp_path, "--storage", f"s3://{BUCKET}/sweeps", **there)
    left = server.names("sweeps")
    assert (code, left) == (1, [])
    words = " ".join(output.split())  # it is broken into lines
    assert words.count("the endpoint cannot be reached") >= 2, output
    assert words.count("problem: ") == 4, "neither node can write there, and neither can read"
    assert words.count("not shared") == 2
    assert "in the environment that each node's Ray is started in" in words


def test_what_is_sent_to_nodes_runs_where_our_packages_are_missing() -> None:
    with sent_whole():
        sent = cloudpickle.dumps(Inspector).hex()
    there = f"""
import json, pickle, sys
sys.modules.update(dict.fromkeys(("cluster", "causalmer_core"), None))  # importing them fails
print(json.dumps(pickle.loads(bytes.fromhex("{sent}"))().facts()))
"""
    done = subprocess.run([sys.executable, "-c", there], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["python"] == platform.python_version()


def test_an_inspector_tells_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    inspector, probe = Inspector(), FolderProbe(str(tmp_path))
    assert inspector.writes(probe, "a", "one") is None
    assert inspector.writes(probe, "a", "two") == "File exists"
    assert inspector.writes(FolderProbe(str(tmp_path / "none")), "a", "one") == "No such file or directory"
    asked = {"a": "two", "b": "three"}
    wrong = {"a": "another text", "b": "No such file or directory"}
    assert inspector.reads(probe, {"a": "one"}) == {}
    assert inspector.reads(probe, asked) == wrong
    assert inspector.lacks([str(tmp_path), str(tmp_path / "none")]) == [str(tmp_path / "none")]
    assert inspector.is_locked(probe) is None
    with (tmp_path / LOCK).open("w") as lock:
        assert inspector.is_locked(probe) is False
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert inspector.is_locked(probe) is True
