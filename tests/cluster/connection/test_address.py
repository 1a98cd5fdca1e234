"""Which cluster is meant, and that only one with a token is joined: real clusters, joined from other processes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray_nodes import RayNodes

from causalmer_core.basics.errors import UserError
from cluster.connection.address import checked_head, host_and_port

JOIN = """
import json, os, sys
import ray
from causalmer_core.basics.errors import UserError
from cluster.connection.connect import cluster_ray, nodes_of_cluster
from cluster.connection.watch import lost_processes

@ray.remote(num_cpus=0)
def seen():
    return os.environ["RAY_CHDIR_TO_TRIAL_DIR"]

try:
    with cluster_ray(sys.argv[1], insecure="insecure" in sys.argv) as head:
        said = {
            "head": head,
            "nodes": [[node.cpus, node.gpus] for node in nodes_of_cluster()],
            "lost": lost_processes(),
            "mode": os.environ["RAY_AUTH_MODE"],
            "seen": ray.get(seen.remote()),
        }
    said["after"] = ray.is_initialized()
except UserError as error:
    said = {"error": str(error)}
print(json.dumps(said))
"""


def join(*arguments: str, environment: dict[str, str], home: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", JOIN, *arguments],
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=200,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def closed() -> Iterator[RayNodes]:
    with RayNodes(head_cpus=1) as nodes:
        yield nodes


@pytest.mark.slow
def test_a_cluster_is_joined_with_its_token_and_left_running(closed: RayNodes, tmp_path: Path) -> None:
    said = join(closed.address, environment=closed.environment, home=tmp_path)
    assert said == {
        "head": closed.address,
        "nodes": [[1.0, 0.0]],
        "lost": [],
        "mode": "token",
        "seen": "0",
        "after": False,
    }
    by_environment = {**closed.environment, "RAY_ADDRESS": closed.address}
    assert join("auto", environment=by_environment, home=tmp_path)["head"] == closed.address


@pytest.mark.slow
def test_without_the_right_token_it_is_said_what_to_do(closed: RayNodes, tmp_path: Path) -> None:
    none = join(closed.address, environment=closed.plain_environment, home=tmp_path)
    assert (
        "asks for its token and there is none here; copy ~/.ray/auth_token from the cluster's head"
        in none["error"]
    )
    assert not list(tmp_path.iterdir()), "a token was made up"
    other = {**closed.plain_environment, "RAY_AUTH_TOKEN": "0" * 64}
    wrong = join(closed.address, "insecure", environment=other, home=tmp_path)
    assert "the token here is not this Ray's" in wrong["error"]


@pytest.mark.slow
def test_a_cluster_without_tokens_is_joined_only_where_that_is_wanted(tmp_path: Path) -> None:
    with RayNodes(head_cpus=1, asks_for_token=False) as nodes:
        refused = join(nodes.address, environment=nodes.environment, home=tmp_path)
        assert "asks for no token" in refused["error"]
        assert "--insecure" in refused["error"]
        said = join(nodes.address, "insecure", environment=nodes.environment, home=tmp_path)
        assert (said["head"], said["mode"]) == (nodes.address, "disabled")


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("ray://head:10001", "allowed auto, or HOST:PORT of the head, on a node of the cluster"),
        ("http://head:8265", "'causalmer cluster submit SWEEP.yaml --address http://head:8265'"),
        ("head", "allowed auto, or HOST:PORT of the head"),
        ("head:port", "allowed auto, or HOST:PORT of the head"),
        ("head:70000", "allowed auto, or HOST:PORT of the head"),
        ("", "allowed auto, or HOST:PORT of the head"),
    ],
)
def test_what_is_no_address_to_join_is_refused_with_what_is(address: str, allowed: str) -> None:
    with pytest.raises(UserError) as caught:
        checked_head(address)
    assert str(caught.value).startswith(f"--address {address}: ")
    assert allowed in str(caught.value)


def test_where_nobody_answers_that_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(UserError, match="no Ray answers there"):
            checked_head(f"127.0.0.1:{taken.getsockname()[1]}")


def test_addresses_of_both_kinds_of_the_internet_are_read() -> None:
    assert host_and_port("node-1.example:6379") == ("node-1.example", 6379)
    assert host_and_port("[::1]:6379") == ("::1", 6379)
