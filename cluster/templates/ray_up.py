"""Cluster files for `ray up`: existing hosts, and machines of AWS and of Google Cloud.

The cluster's token is made on the machine that calls `ray up`, and copied to every node with its mode, so that no other
user of a node can read it.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from causalmer_core.basics.errors import invalid
from cluster.templates.base import Command, Template, Word, cloud_name, matching


class RayUp(Template):
    """The base of cluster files for `ray up`.

    Attributes:
        name: the name of the sweep and of the cluster.
        ssh_user: the user that logs in to the nodes; on clouds the image decides it.
        setup: shell commands that prepare a node, once and in order: mount the shared folder, install causalmer.
        activate: a shell command before each command of causalmer, such as `. ~/causalmer/bin/activate`. None: Ray and
            causalmer are on the path.
    """

    name: str = "sweep"
    ssh_user: Word = "ubuntu"
    setup: tuple[Command, ...] = ()
    activate: Command | None = None

    @property
    def cluster_name(self) -> str:
        """The sweep's name in the form for all clouds."""
        return cloud_name(self.name)

    @property
    def prefix(self) -> str:
        """The shell words before each of Ray's commands: the environment, and the requirement of a token."""
        activated = "" if self.activate is None else f"{self.activate} && "
        return f"{activated}export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 && "

    @property
    def start(self) -> str:
        """The shell words before the start of Ray."""
        # Ray needs many open files, if the system allows them.
        return self.prefix + "{ ulimit -n 65536 || true; } && "


class RayUpHosts(RayUp):
    """Existing hosts.

    Attributes:
        head: the host that starts the others; the sweep starts there, and runs train there, too.
        workers: the other hosts.
        ssh_key: the private key to log in with, which `ray up` also copies to the head. None: ssh's own settings.
    """

    source = "ray_up.yaml.j2"

    ssh_user: Word
    head: Word
    workers: tuple[Word, ...] = ()
    ssh_key: str | None = None


class RayUpCloud(RayUp):
    """The base of cluster files for rented machines: a head without runs, and workers.

    Attributes:
        workers: the number of workers; it stays the same.
        instance: the machine type of a worker.
        spot: whether workers are cheaper machines that the cloud may take back.
        disk: disk of each machine, in GB.
    """

    workers: int = Field(default=2, ge=1)
    instance: Word
    spot: bool = False
    disk: int = Field(default=100, ge=10)


class RayUpAws(RayUpCloud):
    """Machines of AWS.

    Attributes:
        region: the region, such as `us-west-2`.
        image: the AMI of all machines in that region, with Python 3.11 or newer, and with drivers for GPUs.
        head_instance: the machine type of the head.
    """

    source = "ray_up_aws.yaml.j2"

    region: Word
    image: Annotated[str, matching("ami-[0-9a-f]+", "the id of an AMI, such as ami-0123456789abcdef0")]
    head_instance: Word = "m5.xlarge"


class RayUpGcp(RayUpCloud):
    """Machines of Google Cloud.

    Attributes:
        project: the globally unique id of the project.
        zone: the zone, such as `us-west1-a`.
        cpus: CPU cores of a worker; Ray does not ask Google Cloud for them.
        gpus: GPUs of a worker.
        accelerator: the type of the GPUs, such as `nvidia-tesla-t4`. None: the machine type includes them.
        image: the boot image of all machines; with GPUs it must have their drivers.
        head_instance: the machine type of the head.
    """

    source = "ray_up_gcp.yaml.j2"

    project: Word
    zone: Annotated[str, matching("[a-z]+-[a-z]+[0-9]+-[a-z]", "a zone, such as us-west1-a")]
    cpus: int = Field(ge=1)
    gpus: int = Field(default=0, ge=0)
    accelerator: Word | None = None
    image: Word = "projects/debian-cloud/global/images/family/debian-12"
    head_instance: Word = "e2-standard-4"

    @model_validator(mode="after")
    def _drivers(self) -> Self:
        if self.gpus and "image" not in self.model_fields_set:
            raise invalid("the default image has no drivers for GPUs", "--image of one that has them")
        if self.accelerator is not None and not self.gpus:
            raise invalid("an accelerator without GPUs", "--gpus of at least 1 beside --accelerator")
        return self

    @property
    def region(self) -> str:
        """The zone's region."""
        return self.zone.rpartition("-")[0]
