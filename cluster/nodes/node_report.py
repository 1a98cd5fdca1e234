"""What is known of the nodes of a cluster, and what of it would make a sweep fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from causalmer_core.basics.validation import Frozen
from cluster.nodes.storage_probe import SharedPlace
from cluster.resources.trial_resources import ANY, NodeSupply, TrialResources, TrialShare, fits

MOST_SKEW_SECONDS = 2.0
"""Clocks may differ by so much before times in the records are called wrong."""

_ON_DRIVER_ALONE = ("optuna", "pyarrow")

_Problem = Callable[[str, str], "Finding"]
"""Makes a problem of a node from what is so and what to do about it."""


class NodeFacts(Frozen):
    """What a node says of itself.

    Attributes:
        host: its name.
        memory: of the machine, in bytes.
        python: its version.
        versions: of packages; none: not installed.
        cuda: that torch was built for; none: for CPUs alone, or there is no torch.
        gpu_models: names of its GPUs.
        driver: their driver's version.
    """

    host: str
    memory: int
    python: str
    versions: Mapping[str, str | None]
    cuda: str | None
    gpu_models: tuple[str, ...]
    driver: str | None


class StorageFacts(Frozen):
    """What a node makes of the place of all sweeps.

    Attributes:
        unwritable: why it cannot write there; none: it can.
        unread: files that others wrote and that it cannot read, by who wrote them, with the reasons.
        locks: whether a lock that another process holds is held against it; none: it cannot be tried.
        lacks: paths that a sweep needs and that are not there.
    """

    unwritable: str | None = None
    unread: Mapping[str, str] = {}
    locks: bool | None = True
    lacks: tuple[str, ...] = ()


class NodeReport(Frozen):
    """A node of a cluster.

    Attributes:
        address: its IP address.
        cpus, gpus: that Ray gives to runs.
        accelerators: the types of its GPUs, as Ray names them.
        memory: that Ray gives to runs, in GiB.
        is_head: whether it is the head.
        silent: why it said nothing; none: it did.
        facts: what it said.
        skew: its clock minus the head's, in seconds; none: unknown.
        skew_bound: how far the true value may be from `skew`, from how long the answers took.
        storage: the place of all sweeps as it sees it; none: it was not asked.
    """

    address: str
    cpus: float
    gpus: float
    is_head: bool
    accelerators: tuple[str, ...] = ()
    memory: float = 0.0
    silent: str | None = None
    facts: NodeFacts | None = None
    skew: float | None = None
    skew_bound: float = 0.0
    storage: StorageFacts | None = None

    @property
    def supply(self) -> NodeSupply:
        """What it has for runs."""
        return NodeSupply(self.cpus, self.gpus, self.memory, frozenset(self.accelerators))

    @property
    def name(self) -> str:
        """How it is called in findings."""
        return self.address if self.facts is None else f"{self.facts.host} ({self.address})"


class Finding(Frozen):
    """Something to know before a sweep.

    Attributes:
        kind: `problem`: a sweep would fail; `note`: it would not.
        node: the node it is about; none: all of them.
        what: what is so.
        fix: what to do about it.
    """

    kind: Literal["problem", "note"]
    node: str | None
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.kind}: {'' if self.node is None else f'{self.node}: '}{self.what}; {self.fix}"


def findings(
    here: NodeFacts,
    nodes: Sequence[NodeReport],
    storage: SharedPlace | None,
    resources: TrialResources | None,
) -> list[Finding]:
    """What is to be said of a cluster, problems first.

    Args:
        here: the process that would run the sweep.
        nodes: all nodes.
        storage: the place of all sweeps, where it was looked at.
        resources: what a run asks for, where a sweep is known.
    """
    found = [finding for node in nodes for finding in _of_node(here, node, storage)]
    found += _of_all(nodes, resources)
    return sorted(found, key=lambda finding: finding.kind == "note")


def _of_node(here: NodeFacts, node: NodeReport, storage: SharedPlace | None) -> Iterator[Finding]:
    def problem(what: str, fix: str) -> Finding:
        return Finding(kind="problem", node=node.name, what=what, fix=fix)

    if node.facts is None:
        yield problem(
            f"does not answer: {node.silent}", "look at Ray's logs there, or take it out of the cluster"
        )
        return
    yield from _of_versions(here, node.facts, problem, node.name)
    if node.gpus and node.facts.cuda is None and node.facts.versions.get("torch"):
        yield problem(
            f"Ray gives {node.gpus:g} GPUs and torch is built for CPUs alone", "install torch's CUDA build"
        )
    elif node.gpus and not node.facts.gpu_models:
        yield Finding(
            kind="note",
            node=node.name,
            what=f"Ray gives {node.gpus:g} GPUs and nvidia-smi shows none",
            fix="see that the driver is installed",
        )
    if node.skew is not None and abs(node.skew) - node.skew_bound > MOST_SKEW_SECONDS:
        yield Finding(
            kind="note",
            node=node.name,
            what=f"its clock is {node.skew:+.1f} s off the head's (within {node.skew_bound:.1f} s)",
            fix="set it by NTP, or times in the records are wrong by as much",
        )
    if node.storage is not None and storage is not None:
        yield from _of_storage(node.storage, storage, problem)


def _of_versions(here: NodeFacts, there: NodeFacts, problem: _Problem, name: str) -> Iterator[Finding]:
    if there.python.split(".")[:2] != here.python.split(".")[:2]:
        yield problem(
            f"has Python {there.python}, and {here.python} runs the sweep",
            "use one minor version everywhere, since what is sent between them is pickled",
        )
    for package, wanted in here.versions.items():
        found = there.versions.get(package)
        if found is None and wanted is not None:
            yield problem(
                f"has no {package}", f"install {package} {wanted} there, in the environment of its Ray"
            )
        elif found != wanted and package in _ON_DRIVER_ALONE:
            what = f"has {package} {found}, and {wanted} runs the sweep"
            yield Finding(kind="note", node=name, what=what, fix="runs do without it there")
        elif found != wanted:
            yield problem(
                f"has {package} {found}, and {wanted} runs the sweep",
                f"install {package} {wanted} there, or scores depend on where a run happens to be",
            )


def _of_storage(facts: StorageFacts, storage: SharedPlace, problem: _Problem) -> Iterator[Finding]:
    if facts.unwritable is not None:
        yield problem(
            f"cannot write to {storage.name}: {facts.unwritable}",
            f"let its user write there; {storage.remedy}",
        )
    if facts.unread:
        whose = ", ".join(f"{writer} ({reason})" for writer, reason in facts.unread.items())
        yield problem(f"cannot read in {storage.name} what others wrote there: {whose}", storage.remedy)
    elif facts.unwritable is None and facts.locks is False:
        yield problem(
            f"does not see a lock in {storage.name} that another process holds",
            "mount it with locks (NFS: version 4, without nolock)",
        )
    for path in facts.lacks:
        yield problem(f"has no {path}", "put the data on the file system that the nodes share")


def _of_all(nodes: Sequence[NodeReport], resources: TrialResources | None) -> Iterator[Finding]:
    share = (resources or TrialResources()).least
    if not fits(share, [node.supply for node in nodes]):
        yield Finding(
            kind="problem",
            node=None,
            what=f"no node has the {_asked(share)} that a run asks for",
            fix="add such a node, or ask for less in 'resources' of the sweep's file",
        )


def _asked(share: TrialShare) -> str:
    kind = "" if share.accelerator == ANY else f" of type {share.accelerator}"
    memory = f" and {share.memory:g} GiB of memory" if share.memory else ""
    return f"{share.cpu:g} CPUs and {share.gpu:g} GPUs{kind}{memory}"
