"""Runs whose share of a GPU was measured go to the types of GPUs that it was measured on, and to no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ray_nodes import RayNodes
from tiny_sweep import YAML

from sweeps.gpu_memory.share_plan import LateTypes

HELPERS = Path(__file__).parents[2] / "helpers"

PLANNED = """
import json, sys
from pathlib import Path
import ray
from ray.util.placement_group import placement_group_table, remove_placement_group
from cluster.connection.connect import cluster_ray
from sweeps.gpu_memory import share_plan
from sweeps.jobs.job import Job
from sweeps.gpu_memory.share_plan import plan_shares
from sweeps.execution.trainable import JobTrainable

address, folder, yaml = sys.argv[1:]
sys.path.insert(0, HELPERS)
from tiny_sweep import begin, checked_sweep

share_plan._LOOK_SECONDS = 0.0


def node_of(share, labels):
    '''The type of the GPU of the node on which a trial is placed; none where it has to wait.'''
    group = JobTrainable.default_resource_request({"share": share, "labels": labels}).to_placement_group()
    placed = group.wait(5)
    node = placement_group_table(group)["bundles_to_node_id"][0]
    remove_placement_group(group)
    kinds = {n["NodeID"]: n["Labels"].get("ray.io/accelerator-type") for n in ray.nodes()}
    return kinds[node] if placed else None


sweep = checked_sweep(Path(folder), yaml, resources__gpu="auto")
begin(sweep)
config = sweep.configurations.paper
job = Job(config=config, seeds=(0,), phase="search", role="candidate", number=0)
said = []
with cluster_ray(address):
    plan = plan_shares(sweep, job, said.append, device="cpu")
    print("planned", flush=True)
    sys.stdin.readline()  # another node has come
    for _ in range(2):
        share = plan.shares.of(job)
    asked = share.ray_resources()
    large = {**asked, "CPU": 3.0}  # more than the first node has
    found = {
        "among": share.among,
        "small": node_of(asked, share.ray_labels()),
        "large": node_of(large, share.ray_labels()),
        "unbound": node_of(large, {}),
    }
    again = plan_shares(sweep, job, said.append, device="cpu").shares.of(job)
print(json.dumps({**found, "again": again.among, "said": said}))
"""


def late_types(known: list[str], there: list[str], said: list[str], clock: list[float]) -> LateTypes:
    return LateTypes(known, lambda: there, said.append, lambda: clock[0])


def test_a_type_that_joins_is_told_once() -> None:
    there, clock = ["A100"], [0.0]
    said: list[str] = []
    look = late_types(["A100"], there, said, clock)
    there.append("T4")
    look()
    assert said == [], "it looks again only after a while"
    clock[0] = 20.0
    look()
    clock[0] = 40.0
    look()
    (line,) = said
    assert line.startswith("resources.gpu: auto: GPUs of type T4 joined after the measurement")


def test_where_types_cannot_be_told_apart_none_is_new() -> None:
    clock, said = [0.0], list[str]()
    look = late_types([], ["T4"], said, clock)
    clock[0] = 20.0
    look()
    assert said == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_runs_keep_to_the_measured_types_until_the_sweep_is_started_again(tmp_path: Path) -> None:
    script = PLANNED.replace("HELPERS", repr(str(HELPERS)))
    with RayNodes(head_cpus=0) as cluster:
        cluster.add(2, "A100")
        process = subprocess.Popen(
            [sys.executable, "-c", script, cluster.address, str(tmp_path), YAML],
            env=cluster.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "planned\n"
        cluster.add(4, "T4")
        output, _ = process.communicate("go on\n", timeout=300)
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output)
    assert (found["among"], found["again"]) == (["A100"], ["A100", "T4"])
    assert (found["small"], found["large"], found["unbound"]) == ("A100", None, "T4")
    assert len([line for line in found["said"] if "GPUs of type T4 joined" in line]) == 1
