"""Cluster files of `ray up`: valid by Ray's own schema and checks, and closed to whoever lacks the token."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ray.autoscaler._private.util import prepare_config, validate_config

from cluster.templates.base import Template
from cluster.templates.ray_up import RayUpAws, RayUpGcp, RayUpHosts

HOSTS = RayUpHosts(
    name="My_sweep.2", ssh_user="me", head="10.0.0.1", workers=("10.0.0.2", "node-3"), ssh_key="~/.ssh/id"
)
AWS = RayUpAws(region="us-west-2", image="ami-0123abcd", instance="g6.xlarge", workers=3, spot=True)
GCP = RayUpGcp(
    project="p-1", zone="us-west1-a", instance="n1-standard-8", image="projects/x/global/images/family/y",
    cpus=8, gpus=2, accelerator="nvidia-tesla-t4", spot=True,
)  # fmt: skip


def parsed(template: Template) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(template.render())
    return tree


@pytest.mark.parametrize(
    "template",
    [
        HOSTS,
        RayUpHosts(ssh_user="me", head="h"),
        AWS,
        AWS.model_copy(update={"spot": False}),
        GCP,
        RayUpGcp(project="p", zone="europe-west4-b", instance="e2-standard-8", cpus=8),
    ],
)
def test_ray_accepts_the_file(template: Template) -> None:
    validate_config(prepare_config(parsed(template)))


@pytest.mark.parametrize("template", [HOSTS, AWS, GCP])
def test_every_ray_asks_for_the_token_that_only_its_owner_can_read(template: Template) -> None:
    tree = parsed(template)
    assert tree["file_mounts"] == {"~/.ray/auth_token": "~/.ray/auth_token"}
    assert tree["setup_commands"][0] == "chmod 600 ~/.ray/auth_token"
    commands = tree["head_start_ray_commands"] + tree["worker_start_ray_commands"]
    assert len(commands) == 4
    for command in commands:
        assert re.search(r"export RAY_AUTH_MODE=token [^;]*&& .*ray (start|stop)", command), command
        assert ";" not in command.replace("true; }", ""), "Ray would start where the token was not asked for"
    assert all("--dashboard-host=127.0.0.1" in line for line in commands if "--head" in line)
    assert "0.0.0.0" not in template.render()


def test_hosts_are_all_used_and_the_environment_is_entered_first() -> None:
    template = HOSTS.model_copy(update={"activate": ". ~/it's/activate", "setup": ('echo "a: b" # c',)})
    tree = parsed(template)
    assert tree["provider"] == {
        "type": "local",
        "head_ip": "10.0.0.1",
        "worker_ips": ["10.0.0.2", "node-3"],
    }
    assert tree["auth"] == {"ssh_user": "me", "ssh_private_key": "~/.ssh/id"}
    assert (tree["cluster_name"], tree["max_workers"]) == ("my-sweep-2", 2)
    assert tree["setup_commands"][1:] == ['echo "a: b" # c']
    assert all(line.startswith(". ~/it's/activate && ") for line in tree["head_start_ray_commands"])


@pytest.mark.parametrize("template", [AWS, GCP])
def test_a_cloud_s_head_takes_no_runs_and_its_workers_stay(template: Template) -> None:
    kinds = parsed(template)["available_node_types"]
    assert kinds["head"]["resources"] == {"CPU": 0, "GPU": 0}
    assert kinds["worker"]["min_workers"] == kinds["worker"]["max_workers"] > 0
    assert "pot" in str(kinds["worker"]) or "preemptible" in str(kinds["worker"])


def test_gpus_of_google_cloud_are_told_to_ray_and_asked_of_the_cloud() -> None:
    worker = parsed(GCP)["available_node_types"]["worker"]
    assert worker["resources"] == {"CPU": 8, "GPU": 2}
    assert worker["node_config"]["guestAccelerators"] == [
        {"acceleratorType": "nvidia-tesla-t4", "acceleratorCount": 2}
    ]
    assert {"onHostMaintenance": "TERMINATE"} in worker["node_config"]["scheduling"]


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({"gpus": 1}, "--image of one that has them"),
        ({"accelerator": "nvidia-l4"}, "--gpus of at least 1"),
        ({"zone": "us-west1"}, "a zone, such as us-west1-a"),
        ({"instance": "a b"}, "letters, digits and"),
    ],
)
def test_what_cannot_start_is_refused(fields: dict[str, object], allowed: str) -> None:
    right = {"project": "p", "zone": "us-west1-a", "instance": "i", "cpus": 4}
    with pytest.raises(ValidationError, match=allowed):
        RayUpGcp.model_validate({**right, **fields})


@settings(max_examples=15)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_no_command_of_a_user_changes_the_rest_of_the_file(command: str) -> None:
    plain, other = parsed(HOSTS), parsed(HOSTS.model_copy(update={"setup": (command,)}))
    assert other.pop("setup_commands") == [*plain.pop("setup_commands"), command]
    assert other == plain
