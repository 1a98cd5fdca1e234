"""A RayJob for KubeRay: a cluster for one sweep."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from cluster.templates.base import Template, Word, cloud_name, matching

Quantity = Annotated[
    str, matching(r"[1-9][0-9]*(\.[0-9]+)?(Mi|Gi|Ti|M|G|T)", "an amount such as 8Gi or 512Mi")
]
"""An amount of memory as Kubernetes writes it."""


class KubeRayJob(Template):
    """A sweep with its file in a ConfigMap, its data and its records on one volume that all pods share.

    Attributes:
        name: the sweep's name.
        sweep: the text of the sweep's file, without includes.
        storage: the folder of all sweeps, inside `mount` unless absolute; or an address on an object store.
        data_root: the folder of data sets, likewise.
        image: the container image of all pods; it has causalmer and `ray[default]` of this machine's version.
        claim: the PersistentVolumeClaim of the volume, with access mode ReadWriteMany.
        mount: the path of the volume in the pods.
        secret: a Secret whose keys become variables of all pods, such as an object store's credentials. None: no
            Secret.
        workers: the number of worker pods.
        cpus, gpus, memory: resources of a worker.
        head_cpus, head_memory: resources of the head, which trains no runs; it proposes, evaluates and writes the
            report.
        retries: the number of times that a new cluster resumes from the records after the job failed or lost its head.
    """

    source = "kuberay.yaml.j2"

    name: str
    sweep: str
    storage: str = "causalmer_runs"
    data_root: str = "causalmer_data"
    image: Annotated[str, matching(r"\S+", "the name of an image")]
    claim: Word
    mount: Annotated[str, matching(r"/[\w./-]+", "an absolute path")] = "/causalmer"
    secret: Word | None = None
    workers: int = Field(default=1, ge=1)
    cpus: int = Field(ge=1)
    gpus: int = Field(default=0, ge=0)
    memory: Quantity = "8Gi"
    head_cpus: int = Field(default=2, ge=1)
    head_memory: Quantity = "8Gi"
    retries: int = Field(default=2, ge=0)

    @property
    def job_name(self) -> str:
        """The sweep's name in the form for Kubernetes."""
        return cloud_name(self.name)

    @property
    def storage_path(self) -> str:
        """The folder of all sweeps in the pods, or its address."""
        if "://" in self.storage:
            return self.storage
        return str(PurePosixPath(self.mount) / self.storage)

    @property
    def data_path(self) -> str:
        """The folder of data sets in the pods."""
        return str(PurePosixPath(self.mount) / self.data_root)
