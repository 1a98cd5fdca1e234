"""`causalmer cluster template`: files that start a sweep on a cluster, sized for its needs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from causalmer_core.basics.errors import UserError
from cluster.templates.base import Template
from cluster.templates.kuberay import KubeRayJob
from cluster.templates.needs import Needs
from cluster.templates.ray_up import RayUpAws, RayUpGcp, RayUpHosts
from cluster.templates.slurm import SlurmJob
from cluster.templates.submit_script import SubmitScript
from sweeps.cli.cluster.shared_places import check_places
from sweeps.cli.options import put_out
from sweeps.cli.sweep import DataRoot, Set, Storage, overrides_of, run_options
from sweeps.spec.includes import read_sweep_file
from sweeps.spec.problems import problems_of
from sweeps.spec.sweep_spec import SweepSpec, load_spec
from sweeps.spec.yaml_file import write_yaml

app = typer.Typer(no_args_is_help=True, help="Write a file that starts a sweep on a cluster.")

Sweep = Annotated[
    Path | None,
    typer.Option("--sweep", metavar="SWEEP.yaml", help="Take the name and the needs from a sweep's file."),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="File to write. Default: standard output.")
]
Setup = Annotated[
    list[str] | None,
    typer.Option(
        "--setup",
        metavar="COMMAND",
        help="Command that prepares a node, such as mounting a volume; repeatable.",
    ),
]
Activate = Annotated[
    str | None,
    typer.Option(
        "--activate",
        metavar="COMMAND",
        help="Command that puts causalmer on the path: '. ~/env/bin/activate'.",
    ),
]
SshUser = Annotated[str | None, typer.Option("--ssh-user", help="User that logs in to the nodes.")]
Instance = Annotated[str, typer.Option("--instance", help="Machine type of the workers.")]
HeadInstance = Annotated[str | None, typer.Option("--head-instance", help="Machine type of the head.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="How many worker nodes.")]
Spot = Annotated[
    bool, typer.Option("--spot", help="Spot machines as workers: cheaper, but the cloud can reclaim them.")
]
Disk = Annotated[int | None, typer.Option("--disk", help="Disk size of each machine, in GB.")]
Cpus = Annotated[
    int | None,
    typer.Option("--cpus", min=1, help="CPU cores of each node. Default: what the sweep's runs need."),
]
Gpus = Annotated[
    int | None, typer.Option("--gpus", min=0, help="GPUs of each node. Default: what the sweep's runs need.")
]

_WORKERS = 2
"""The default number of worker nodes on Google Cloud."""


@app.command("ray-up")
def ray_up(
    head: Annotated[
        str, typer.Option("--head", metavar="HOST", help="The head: the host that starts the others.")
    ],
    ssh_user: Annotated[str, typer.Option("--ssh-user", help="User that logs in to the hosts.")],
    workers: Annotated[
        str | None, typer.Option("--workers", metavar="HOST,HOST", help="The other hosts.")
    ] = None,
    ssh_key: Annotated[
        str | None, typer.Option("--ssh-key", metavar="FILE", help="Private key to log in with.")
    ] = None,
    setup: Setup = None,
    activate: Activate = None,
    sweep: Sweep = None,
    out: Out = None,
) -> None:
    """Write a cluster file of `ray up` for existing hosts."""
    hosts = tuple(host.strip() for host in workers.split(",")) if workers else None
    given = {"head": head, "ssh_user": ssh_user, "workers": hosts, "ssh_key": ssh_key}
    prepared = {"setup": tuple(setup or ()), "activate": activate}
    _write(RayUpHosts, {**given, **prepared, "name": _needs(sweep).name}, out)


@app.command("ray-up-aws")
def ray_up_aws(
    region: Annotated[str, typer.Option("--region", help="Region, such as us-west-2.")],
    image: Annotated[
        str, typer.Option("--image", metavar="AMI", help="Image of that region, with Python 3.11 or newer.")
    ],
    instance: Instance,
    head_instance: HeadInstance = None,
    workers: Workers = None,
    spot: Spot = False,
    disk: Disk = None,
    ssh_user: SshUser = None,
    setup: Setup = None,
    activate: Activate = None,
    sweep: Sweep = None,
    out: Out = None,
) -> None:
    """Write a cluster file of `ray up` for machines of AWS."""
    machines = {"image": image, "instance": instance, "head_instance": head_instance, "workers": workers}
    prepared = {"ssh_user": ssh_user, "setup": tuple(setup or ()), "activate": activate}
    given = {"region": region, "spot": spot, "disk": disk, "name": _needs(sweep).name}
    _write(RayUpAws, {**machines, **prepared, **given}, out)


@app.command("ray-up-gcp")
def ray_up_gcp(
    project: Annotated[str, typer.Option("--project", help="The project's id.")],
    zone: Annotated[str, typer.Option("--zone", help="Zone, such as us-west1-a.")],
    instance: Instance,
    head_instance: HeadInstance = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image", help="Boot image, with Python 3.11 or newer. Default: Debian 12, without GPUs."
        ),
    ] = None,
    cpus: Cpus = None,
    gpus: Gpus = None,
    accelerator: Annotated[
        str | None, typer.Option("--accelerator", help="Type of the GPUs, such as nvidia-tesla-t4.")
    ] = None,
    workers: Workers = None,
    spot: Spot = False,
    disk: Disk = None,
    ssh_user: SshUser = None,
    setup: Setup = None,
    activate: Activate = None,
    sweep: Sweep = None,
    out: Out = None,
) -> None:
    """Write a cluster file of `ray up` for machines of Google Cloud."""
    needs, nodes = _needs(sweep), workers or _WORKERS
    machines = {"image": image, "instance": instance, "head_instance": head_instance, "workers": nodes}
    prepared = {"ssh_user": ssh_user, "setup": tuple(setup or ()), "activate": activate}
    given = {"project": project, "zone": zone, "spot": spot, "disk": disk, "accelerator": accelerator}
    sized = _sized(needs, nodes, cpus, gpus)
    _write(RayUpGcp, {**machines, **prepared, **given, **sized, "name": needs.name}, out)


@app.command()
def kuberay(
    sweep: Annotated[Path, typer.Option("--sweep", metavar="SWEEP.yaml", help="The sweep to run.")],
    image: Annotated[
        str, typer.Option("--image", help="Container image with causalmer and ray[default] of this version.")
    ],
    claim: Annotated[
        str, typer.Option("--claim", metavar="NAME", help="PersistentVolumeClaim that all pods mount.")
    ],
    mount: Annotated[
        str | None, typer.Option("--mount", help="Mount path of the volume in the pods. Default: /causalmer.")
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            "--secret",
            metavar="NAME",
            help="Secret with an object store's credentials as environment variables.",
        ),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="How many worker pods.")] = 1,
    cpus: Cpus = None,
    gpus: Gpus = None,
    memory: Annotated[
        str | None, typer.Option("--memory", help="Memory of a worker pod. Default: 8Gi.")
    ] = None,
    head_memory: Annotated[
        str | None, typer.Option("--head-memory", help="Memory of the head's pod. Default: 8Gi.")
    ] = None,
    out: Out = None,
) -> None:
    """Write a RayJob for KubeRay: a cluster for one sweep."""
    spec = load_spec(sweep)
    needs = needs_of(spec)
    given = {"image": image, "claim": claim, "mount": mount, "secret": secret}
    given |= {"memory": memory, "head_memory": head_memory}
    job = {
        "name": spec.name,
        "sweep": write_yaml(read_sweep_file(sweep).tree),
        "storage": spec.storage,
        "data_root": spec.data.root,
        "workers": workers,
    }
    _write(KubeRayJob, {**job, **given, **_sized(needs, workers, cpus, gpus)}, out)


@app.command()
def slurm(
    sweep: Sweep = None,
    nodes: Annotated[int, typer.Option("--nodes", min=1, help="How many nodes.")] = 1,
    cpus: Cpus = None,
    gpus: Gpus = None,
    time: Annotated[
        str | None, typer.Option("--time", help="Time limit of the job, such as 12:00:00.")
    ] = None,
    partition: Annotated[str | None, typer.Option("--partition", help="Partition of Slurm.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="Account that Slurm charges.")] = None,
    activate: Activate = None,
    out: Out = None,
) -> None:
    """Write a script for Slurm's sbatch: a cluster on the job's nodes, for one sweep."""
    needs = _needs(sweep)
    given = {"time": time, "partition": partition, "account": account, "activate": activate}
    job = {"name": needs.name, "sweep": None if sweep is None else str(sweep), "nodes": nodes}
    _write(SlurmJob, {**job, **given, **_sized(needs, nodes, cpus, gpus)}, out)


@app.command("submit-script")
def submit_script(
    sweep: Annotated[Path, typer.Option("--sweep", metavar="SWEEP.yaml", help="The sweep to run.")],
    set_: Set = None,
    storage: Storage = None,
    data_root: DataRoot = None,
    activate: Activate = None,
    out: Out = None,
) -> None:
    """Write a script for `ray submit`: it runs a sweep on a cluster that `ray up` started."""
    overrides = overrides_of(set_, storage, data_root)
    check_places(load_spec(sweep, overrides), sweep, overrides)
    options = run_options(set_, storage, data_root)
    job = {"sweep": write_yaml(read_sweep_file(sweep).tree), "options": tuple(options)}
    _write(SubmitScript, {**job, "activate": activate}, out)


def needs_of(spec: SweepSpec) -> Needs:
    """The needs of a sweep, for the size of a cluster."""
    resources = spec.resources
    gpu = 1.0 if resources.gpu == "auto" else resources.gpu  # the most that a probe may find
    return Needs(name=spec.name, cpu=resources.cpu, gpu=gpu, at_once=spec.search.max_concurrent)


def _needs(sweep: Path | None) -> Needs:
    return Needs() if sweep is None else needs_of(load_spec(sweep))


def _sized(needs: Needs, nodes: int, cpus: int | None, gpus: int | None) -> dict[str, int]:
    """The size of each node, checked: at least one run fits on it."""
    sized = {
        "cpus": needs.cpus_per_node(nodes) if cpus is None else cpus,
        "gpus": needs.gpus_per_node(nodes) if gpus is None else gpus,
    }
    for option, one_run in {"cpus": needs.cpu, "gpus": needs.gpu}.items():
        if sized[option] < one_run:
            raise UserError(
                f"--{option}: no run fits on a node; given {sized[option]}; allowed {math.ceil(one_run)} or more, "
                f"because the sweep's file has resources.{option[:-1]}: {one_run:g}"
            )
    return sized


def _write(template: type[Template], given: dict[str, Any], out: Path | None) -> None:
    """Write the template's file, with the template's defaults for options that were not given."""
    values = {name: value for name, value in given.items() if value is not None}
    try:
        text = template.model_validate(values).render()
    except ValidationError as error:
        raise UserError("\n".join(_option_lines(error, template, values))) from error
    put_out(text, out)


def _option_lines(error: ValidationError, template: type[Template], values: dict[str, Any]) -> list[str]:
    lines = []
    for problem in problems_of(error, template, values):
        if problem.path:
            option = f"--{str(problem.path[0]).replace('_', '-')}"
            lines.append(replace(problem, path=()).line(option))
        else:  # a problem of several options together
            lines.append(replace(problem, given="").line("options"))
    return lines
