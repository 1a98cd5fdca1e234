"""A private Ray: never someone else's, closed to others, and gone after use. Each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.slow

LOOK = """
import json, os, sys
from cluster.connection.connect import local_ray
import psutil, ray

with local_ray(cpus=1, gpus=0) as found:
    context = ray.get_runtime_context()
    facts = {
        "resources": found,
        "gcs": context.gcs_address,
        "auth": os.environ.get("RAY_AUTH_MODE"),
        "token": os.environ["RAY_AUTH_TOKEN"],
        "children": [[p.pid, p.create_time()] for p in psutil.Process().children(recursive=True)],
        "initialized": ray.is_initialized(),
    }
    if len(sys.argv) > 1:
        print(json.dumps(facts), flush=True)
        sys.stdin.readline()
facts["after"] = ray.is_initialized()
if len(sys.argv) == 1:
    print(json.dumps(facts))
"""

JOIN = """
import os, ray, sys
ray.init(address=sys.argv[1], log_to_driver=False)
print("joined")
"""


def environment(home: Path, **values: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    return {**kept, "HOME": str(home), **values}


def facts(home: Path, **values: str) -> dict[str, Any]:
    """What a private Ray was like; nothing but our line may stand on standard output."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env=environment(home, **values),
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_private_ray_has_what_it_was_given_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = facts(tmp_path)
    assert found["resources"] == [1.0, 0.0]
    assert (found["initialized"], found["after"]) == (True, False)
    assert len(found["children"]) > 2
    left = [pid for pid, created in found["children"] if lives(pid, created)]
    assert not left
    assert not list(tmp_path.rglob("*token*")), "Ray wrote a token file to the home folder"


def lives(pid: int, created: float) -> bool:
    try:
        process = psutil.Process(pid)
        if process.create_time() != created:
            return False
        process.wait(timeout=30)
    except (psutil.NoSuchProcess, psutil.TimeoutExpired) as error:
        return isinstance(error, psutil.TimeoutExpired)
    return False


def test_a_ray_that_runs_is_not_joined_and_cannot_be_joined_without_its_token(tmp_path: Path) -> None:
    """Neither by being there nor by RAY_ADDRESS; the token is another each time."""
    first = subprocess.Popen(
        [sys.executable, "-c", LOOK, "stay"],
        env=environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert first.stdout is not None
        running = json.loads(first.stdout.readline())
        second = facts(tmp_path, RAY_ADDRESS=running["gcs"])
        assert second["gcs"] != running["gcs"]
        assert second["token"] != running["token"]
        stranger = subprocess.run(
            [sys.executable, "-c", JOIN, running["gcs"]],
            env=environment(tmp_path, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="0" * 64),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert stranger.returncode != 0
        assert "joined" not in stranger.stdout
    finally:
        first.communicate("\n", timeout=100)
    assert first.returncode == 0
