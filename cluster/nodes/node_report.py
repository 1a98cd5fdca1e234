"""Reports on the nodes of a cluster, and the findings that would make a sweep fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from causalmer_core.basics.validation import Frozen
from cluster.nodes.storage_probe import SharedPlace
from cluster.resources.trial_resources import ANY, NodeSupply, TrialResources, TrialShare, fits

MOST_SKEW_SECONDS = 2.0
"""A larger difference of clocks gives a finding: times in the records would be wrong."""

_ON_DRIVER_ALONE = ("optuna", "pyarrow")

_Problem = Callable[[str, str], "Finding"]
"""Makes a problem of a node from the fact and its fix."""


class NodeFacts(Frozen):
    """The facts that a node reports about itself.

    Attributes:
        host: its name.
        memory: memory of the machine, in bytes.
        python: version of Python.
        versions: versions of packages. None: not installed.
        cuda: the CUDA version of its torch. None: torch is built for CPUs only, or missing.
        gpu_models: names of its GPUs.
        driver: version of the GPUs' driver. None: no GPU was found.
    """

    host: str
    memory: int
    python: str
    versions: Mapping[str, str | None]
    cuda: str | None
    gpu_models: tuple[str, ...]
    driver: str | None


class StorageFacts(Frozen):
    """The shared storage as a node sees it.

    Attributes:
        unwritable: the reason why it cannot write there. None: it can.
        unread: by writer, the reason why it cannot read the writer's file; readable files are left out.
        locks: whether it sees a lock that another process holds. None: unknown.
        lacks: paths that a sweep needs and the node does not have.
    """

    unwritable: str | None = None
    unread: Mapping[str, str] = {}
    locks: bool | None = True
    lacks: tuple[str, ...] = ()


class NodeReport(Frozen):
    """A node of a cluster.

    Attributes:
        address: its IP address.
        cpus, gpus: CPU cores and GPUs that Ray gives to runs.
        accelerators: the types of its GPUs, as Ray names them.
        memory: memory that Ray gives to runs, in GiB.
        is_head: whether it is the head.
        silent: the reason why it did not answer. None: it answered.
        facts: its facts. None: it did not answer.
        skew: its clock minus the head's, in seconds. None: unknown.
        skew_bound: the largest error of `skew`, in seconds, from the duration of the answers.
        storage: the shared storage as it sees it. None: it was not asked.
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
        """Its resources for runs."""
        return NodeSupply(self.cpus, self.gpus, self.memory, frozenset(self.accelerators))

    @property
    def name(self) -> str:
        """Its name in findings."""
        return self.address if self.facts is None else f"{self.facts.host} ({self.address})"


class Finding(Frozen):
    """Something to know before a sweep.

    Attributes:
        kind: `problem`: a sweep would fail; `note`: it would not.
        node: the node it is about. None: all nodes.
        what: the fact.
        fix: the advice.
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
    """The findings about a cluster, problems first.

    Args:
        here: the process that would run the sweep.
        nodes: all nodes.
        storage: the shared storage. None: it was not tested.
        resources: the resources of a run. None: the default.
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
