"""`causalmer cluster check`: the nodes of a cluster, and faults that would make a sweep fail."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from causalmer_core.datasets.store import dataset_folder, default_root, list_datasets
from cluster.connection.connect import cluster_ray, local_ray
from cluster.nodes.check_nodes import Preflight, look
from cluster.nodes.node_report import Finding, NodeReport
from cluster.nodes.storage_probe import SharedFolder, SharedPlace
from cluster.resources.trial_resources import TrialResources
from results.report.table import Column, Table
from results.storage.object_uri import is_uri
from results.storage.shared_objects import SharedObjects
from sweeps.cli.output import Form, show
from sweeps.cli.sweep import Address, Insecure
from sweeps.spec.sweep_spec import SweepSpec, load_spec

_GIB = 2**30


def check(
    address: Address = None,
    insecure: Insecure = False,
    storage: Annotated[
        str | None,
        typer.Option("--storage", help="Folder or address of all sweeps; all nodes must share it."),
    ] = None,
    sweep: Annotated[
        Path | None,
        typer.Option(
            "--sweep", metavar="SWEEP.yaml", help="Check the needs of this sweep: data, storage, size."
        ),
    ] = None,
    form: Form = None,
) -> None:
    """Check every node before a sweep: size, versions, clock, shared storage. Exit code 1: a sweep would fail."""
    spec = None if sweep is None else load_spec(sweep)
    if storage is None and spec is not None:
        storage = spec.storage
    needed, resources = ([], None) if spec is None else _needs(spec)
    with ExitStack() as stack:
        if address is None:
            stack.enter_context(local_ray())
        else:
            stack.enter_context(cluster_ray(address, insecure=insecure))
        found = look(_place(storage), needed, resources)
    show(_tables(found), form)
    if found.would_fail:
        raise typer.Exit(1)


def _place(storage: str | None) -> SharedPlace | None:
    if storage is None:
        return None
    return SharedObjects(storage) if is_uri(storage) else SharedFolder(Path(storage))


def _needs(spec: SweepSpec) -> tuple[list[Path], TrialResources]:
    """The folder of the data set's current version, if it is on disk already, and the resources of a run."""
    root = default_root() if spec.data.root is None else Path(spec.data.root)
    is_there = spec.data.name in list_datasets(root)
    return ([dataset_folder(root, spec.data.name)] if is_there else []), spec.resources


def _tables(found: Preflight) -> list[Table]:
    """The nodes and what there is to say of them; this process for programs alone."""
    headings = ("node", "CPUs", "GPUs", "memory", "Python", "clock", *found.here.versions, "storage")
    kinds, here = Finding.model_fields, found.here.model_dump(mode="json") | {"storage": found.storage}
    nodes = Table(
        "nodes",
        "",
        (
            *(Column(heading, None) for heading in headings),
            *(Column(None, key) for key in NodeReport.model_fields),
        ),
        [(*_cells(found, node), *node.model_dump(mode="json").values()) for node in found.nodes],
    )
    findings = Table(
        "findings",
        "",
        (Column("", None), *(Column(None, key) for key in kinds)),
        [(str(finding), *finding.model_dump(mode="json").values()) for finding in found.findings],
        () if found.would_fail else ("a sweep can run here",),
    )
    return [nodes, findings, Table("here", "", [Column(None, key) for key in here], [list(here.values())])]


def _cells(found: Preflight, node: NodeReport) -> list[str]:
    name = f"{node.name}, head" if node.is_head else node.name
    size = [f"{node.cpus:g}", f"{node.gpus:g}"]
    if node.facts is None:
        return [name, *size, *["–"] * (4 + len(found.here.versions))]
    facts = node.facts
    kinds = ", ".join(sorted(set(facts.gpu_models)))
    clock = "–" if node.skew is None else f"{node.skew:+.3f} ± {node.skew_bound:.3f} s"
    return [
        name,
        size[0],
        f"{size[1]} {kinds}".rstrip(),
        f"{facts.memory / _GIB:.0f} GiB",
        facts.python,
        clock,
        *(_package(facts.versions.get(package), facts.cuda, package) for package in found.here.versions),
        _storage(node),
    ]


def _package(version: str | None, cuda: str | None, package: str) -> str:
    if version is None:
        return "missing"
    return f"{version} (CUDA {cuda})" if package == "torch" and cuda is not None else version


def _storage(node: NodeReport) -> str:
    facts = node.storage
    if facts is None:
        return "not checked"
    return "shared" if facts.unwritable is None and not facts.unread else "not shared"
