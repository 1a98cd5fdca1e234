"""The RayJob: every field is one of KubeRay's, of its type, and what it starts asks for a token.

The fields are those of the public reference of `ray.io/v1` in KubeRay 1.6 and of Kubernetes' pods; required ones end
in `!`. A list stands for a list of such things, a type for a value.
"""

from __future__ import annotations

import shlex
from typing import Any

import yaml
from ruamel.yaml import YAML

from cluster.templates.kuberay import KubeRayJob

RESOURCES = {"cpu": str, "memory": str, "nvidia.com/gpu": str}
CONTAINER = {
    "name!": str,
    "image": str,
    "env": [{"name!": str, "value": str}],
    "envFrom": [{"secretRef": {"name": str}}],
    "ports": [{"name": str, "containerPort!": int}],
    "resources": {"requests": RESOURCES, "limits": RESOURCES},
    "volumeMounts": [{"name!": str, "mountPath!": str, "readOnly": bool}],
}
VOLUME = {
    "name!": str,
    "persistentVolumeClaim": {"claimName!": str},
    "configMap": {"name": str},
}
POD = {"spec": {"containers!": [CONTAINER], "volumes": [VOLUME]}}
START = {"num-cpus": str}
RAY_JOB = {
    "apiVersion!": str,
    "kind!": str,
    "metadata!": {"name!": str},
    "spec!": {
        "entrypoint": str,
        "shutdownAfterJobFinishes": bool,
        "ttlSecondsAfterFinished": int,
        "backoffLimit": int,
        "rayClusterSpec": {
            "rayVersion": str,
            "authOptions": {"mode": str, "secretName": str},
            "headGroupSpec!": {"serviceType": str, "rayStartParams!": START, "template!": POD},
            "workerGroupSpecs": [
                {
                    "groupName!": str,
                    "replicas": int,
                    "minReplicas!": int,
                    "maxReplicas!": int,
                    "rayStartParams!": START,
                    "template!": POD,
                }
            ],
        },
    },
}
CONFIG_MAP = {
    "apiVersion!": str,
    "kind!": str,
    "metadata!": {"name!": str},
    "data": {"sweep.yaml": str},
}

SWEEP = "name: My_sweep.1\ndata: {name: mosi}\nspace:\n  loss.alpha: {float: [1e-4, 2.0]}\n"
JOB = KubeRayJob(
    name="My_sweep.1", sweep=SWEEP, image="images.example/causalmer:1", claim="shared", workers=3, cpus=4, gpus=2
)  # fmt: skip


def misfits(value: Any, fields: Any, path: str = "") -> list[str]:
    """What in a manifest is not as the fields say."""
    if isinstance(fields, list):
        items = value if isinstance(value, list) else [None]
        return [line for i, item in enumerate(items) for line in misfits(item, fields[0], f"{path}[{i}]")]
    if isinstance(fields, type):
        return [] if type(value) is fields else [f"{path}: {value!r} is no {fields.__name__}"]
    known = {name.removesuffix("!"): below for name, below in fields.items()}
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no mapping"]
    lines = [f"{path}.{name}: unknown" for name in value if name not in known]
    lines += [f"{path}.{n[:-1]}: missing" for n in fields if n.endswith("!") and n[:-1] not in value]
    return lines + [
        line
        for name in value
        if name in known
        for line in misfits(value[name], known[name], f"{path}.{name}")
    ]


def parsed(job: KubeRayJob) -> tuple[dict[str, Any], dict[str, Any]]:
    config_map, ray_job = yaml.safe_load_all(job.render())
    return config_map, ray_job


def test_the_check_of_fields_finds_what_is_wrong() -> None:
    wrong = {"apiVersion": 1, "kind": "RayJob", "spec": {"entryPoint": "x"}}
    assert misfits(wrong, RAY_JOB) == [
        ".metadata: missing",
        ".apiVersion: 1 is no str",
        ".spec.entryPoint: unknown",
    ]


def test_every_field_is_one_of_kuberay_s() -> None:
    for job in (JOB, JOB.model_copy(update={"gpus": 0})):
        config_map, ray_job = parsed(job)
        assert (config_map["kind"], ray_job["kind"]) == ("ConfigMap", "RayJob")
        assert (config_map["apiVersion"], ray_job["apiVersion"]) == ("v1", "ray.io/v1")
        assert misfits(config_map, CONFIG_MAP) == []
        assert misfits(ray_job, RAY_JOB) == []


def test_the_cluster_asks_for_a_token_and_is_reached_from_inside_alone() -> None:
    cluster = parsed(JOB)[1]["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["headGroupSpec"]["serviceType"] == "ClusterIP"
    version = tuple(int(part) for part in cluster["rayVersion"].split(".")[:2])
    assert version >= (2, 52), "older ones know no token"


def test_the_sweep_s_file_goes_with_the_job_and_its_records_to_the_volume() -> None:
    config_map, ray_job = parsed(JOB)
    assert config_map["data"]["sweep.yaml"] == SWEEP
    assert YAML(typ="safe", pure=True).load(config_map["data"]["sweep.yaml"])["name"] == "My_sweep.1"
    words = shlex.split(ray_job["spec"]["entrypoint"])
    assert words == [
        *("causalmer", "run", "/etc/causalmer/sweep.yaml", "--address", "auto"),
        *("--storage", "/causalmer/causalmer_runs", "--data-root", "/causalmer/causalmer_data"),
    ]
    head = ray_job["spec"]["rayClusterSpec"]["headGroupSpec"]
    (worker,) = ray_job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    for group in (head, worker):
        pod = group["template"]["spec"]
        assert {"name": "sweeps", "persistentVolumeClaim": {"claimName": "shared"}} in pod["volumes"]
        assert {"name": "sweeps", "mountPath": "/causalmer"} in pod["containers"][0]["volumeMounts"]


def test_runs_go_to_workers_of_the_size_that_was_asked_for() -> None:
    cluster = parsed(JOB)[1]["spec"]["rayClusterSpec"]
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
    (worker,) = cluster["workerGroupSpecs"]
    assert worker["replicas"] == worker["minReplicas"] == worker["maxReplicas"] == 3
    resources = worker["template"]["spec"]["containers"][0]["resources"]
    assert resources["limits"] == {"cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "2"}
    assert resources["requests"] == resources["limits"]


def test_an_absolute_storage_stays_where_it_is_and_odd_names_stay_one_word() -> None:
    job = JOB.model_copy(update={"storage": "/data/a b's", "data_root": "$(id)"})
    words = shlex.split(parsed(job)[1]["spec"]["entrypoint"])
    assert words[-3:] == ["/data/a b's", "--data-root", "/causalmer/$(id)"]


def test_records_at_an_address_stay_there_and_every_pod_has_its_credentials() -> None:
    place = "s3://bucket/prefix?endpoint_override=minio:9000&scheme=http"
    job = JOB.model_copy(update={"storage": place, "secret": "minio-keys"})
    _, ray_job = parsed(job)
    assert misfits(ray_job, RAY_JOB) == []
    words = shlex.split(ray_job["spec"]["entrypoint"])
    assert words[words.index("--storage") + 1] == place
    cluster = ray_job["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        (container,) = group["template"]["spec"]["containers"]
        assert container["envFrom"] == [{"secretRef": {"name": "minio-keys"}}]
    assert "envFrom" not in JOB.render()
