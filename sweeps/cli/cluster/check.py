"""`causalmer cluster check`: the nodes of a cluster, and faults that would make a sweep fail."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from causalmer_core.datasets.store import default_root
from cluster.connection.connect import cluster_ray, local_ray
from cluster.nodes.check_nodes import Preflight, look
from cluster.nodes.node_report import NodeReport
from cluster.nodes.storage_probe import SharedFolder, SharedPlace
from cluster.resources.trial_resources import TrialResources
from results.storage.object_uri import is_uri
from results.storage.shared_objects import SharedObjects
from sweeps.cli.sweep import Address, Insecure
from sweeps.cli.tables import console
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
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
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
    if as_json:
        print(found.model_dump_json(indent=2))
    else:
        _show(found)
    if found.would_fail:
        raise typer.Exit(1)


def _place(storage: str | None) -> SharedPlace | None:
    if storage is None:
        return None
    return SharedObjects(storage) if is_uri(storage) else SharedFolder(Path(storage))


def _needs(spec: SweepSpec) -> tuple[list[Path], TrialResources]:
    """The data set's folder, if it is on disk already, and the resources of a run."""
    root = default_root() if spec.data.root is None else Path(spec.data.root)
    data = root / spec.data.name
    return ([data] if data.exists() else []), spec.resources


def _show(found: Preflight) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("node", "CPUs", "GPUs", "memory", "Python", "clock"):
        table.add_column(heading)
    for package in found.here.versions:
        table.add_column(package)
    table.add_column("storage")
    for node in found.nodes:
        table.add_row(*map(Text, _cells(found, node)))
    screen = console()
    screen.print(table)
    for finding in found.findings:
        screen.print(Text(str(finding)))
    if not found.would_fail:
        screen.print(Text("a sweep can run here"))


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
