"""The resources that one trial asks of the cluster, checked before anything starts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, field_validator

from causalmer_core.basics.errors import UserError, invalid
from causalmer_core.basics.validation import Frozen

ANY = "any"
"""The accelerator of a trial that can use any type of GPU."""

_ACCELERATOR = "accelerator_type:"
"""The prefix of the type of a node's GPUs among Ray's resources."""

_ACCELERATOR_AMOUNT = 0.001
"""Each node has 1 of the type of its GPUs. This small amount binds a trial to such a node without limiting others."""

ACCELERATOR_LABEL = "ray.io/accelerator-type"
"""The label of a node with the type of its GPUs; a trial can allow several values of a label."""

_TYPE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

GIB = 2**30

Gpus = Annotated[
    float, Field(ge=0.0, json_schema_extra={"anyOf": [{"maximum": 1}, {"multipleOf": 1}], "type": "number"})
]


class TrialShare(Frozen):
    """The resources that one trial uses of a node, in numbers.

    Attributes:
        cpu: CPU cores.
        gpu: GPUs: 0, a fraction of one device, or a whole number of devices.
        accelerator: the type of its GPUs, or `any`.
        memory: memory of the node, in GiB; 0: it asks for none.
        among: the allowed types if `accelerator` is `any`; empty: all.
    """

    cpu: float = 1.0
    gpu: float = 0.0
    accelerator: str = ANY
    memory: float = 0.0
    among: tuple[str, ...] = ()

    @property
    def threads(self) -> int:
        """The threads of a trial: its whole cores, at least 1, so that trials on a node do not compete for cores."""
        return max(int(self.cpu), 1)

    def ray_resources(self) -> dict[str, float]:
        """The share by the names of Ray's resources, with memory in bytes."""
        found = {"CPU": self.cpu, "GPU": self.gpu, "memory": float(int(self.memory * GIB))}
        if self.accelerator != ANY:
            found[_ACCELERATOR + self.accelerator] = _ACCELERATOR_AMOUNT
        return {name: amount for name, amount in found.items() if amount}

    def ray_labels(self) -> dict[str, str]:
        """The labels that the node must have, in Ray's form."""
        return {ACCELERATOR_LABEL: f"in({','.join(self.among)})"} if self.among else {}


class TrialResources(Frozen):
    """The resources that one trial uses of a node.

    Attributes:
        cpu: logical CPU cores, above 0 (default 1). A fraction lets several trials share a core. A trial computes with
            as many threads as it has whole cores, at least one.
        gpu: GPUs: 0 (default), a fraction between 0 and 1 of one device, a whole number of devices, or `auto`: the
            fraction that a probe measures; 0 if no node has a GPU. A trial with a fraction of a device may use that
            fraction of its memory. If it needs more it is retried once with twice the fraction.
        accelerator: the type of the GPU as Ray names it (`H100`, `A100`, `T4`), or `any` (default).
        memory: memory of the node, in GiB, for the placement of trials; it is not a limit. `auto` (default): the memory
            that the probe of `gpu: auto` measures, without a probe none.
    """

    cpu: float = Field(default=1.0, gt=0.0)
    gpu: Gpus | Literal["auto"] = 0.0
    accelerator: str = Field(default=ANY, json_schema_extra={"pattern": f"^{_TYPE}$"})
    memory: Annotated[float, Field(gt=0.0)] | Literal["auto"] = "auto"

    @field_validator("gpu")
    @classmethod
    def _fraction_or_whole(cls, gpu: float | Literal["auto"]) -> float | Literal["auto"]:
        # Ray's driver crashes on 1.5 GPUs, long after the sweep's folder was made.
        if gpu != "auto" and gpu > 1 and not gpu.is_integer():
            raise invalid(
                "GPUs above one cannot be divided", "0, a fraction below 1, a whole number, or auto"
            )
        return gpu

    @field_validator("accelerator")
    @classmethod
    def _name_of_a_type(cls, accelerator: str) -> str:
        if re.fullmatch(_TYPE, accelerator) is None:
            raise invalid("is no type of GPUs", "any, or a type as Ray names it: H100, A100, L4, T4")
        return accelerator

    @property
    def least(self) -> TrialShare:
        """The share that is known before any measurement; `auto` counts as 0."""
        return TrialShare(
            cpu=self.cpu,
            gpu=0.0 if self.gpu == "auto" else self.gpu,
            accelerator=self.accelerator,
            memory=0.0 if self.memory == "auto" else self.memory,
        )


class NodeSupply(NamedTuple):
    """The resources of a node for trials: CPU cores, GPUs, memory in GiB, and the types of its GPUs."""

    cpus: float
    gpus: float
    memory: float = 0.0
    accelerators: frozenset[str] = frozenset()

    @staticmethod
    def of(resources: dict[str, float]) -> NodeSupply:
        """The supply of a node, from its resources in Ray."""
        types = (name.removeprefix(_ACCELERATOR) for name in resources if name.startswith(_ACCELERATOR))
        memory = resources.get("memory", 0.0) / GIB
        return NodeSupply(resources.get("CPU", 0.0), resources.get("GPU", 0.0), memory, frozenset(types))

    def holds(self, share: TrialShare) -> bool:
        """Whether one trial fits on the node."""
        wanted = share.among if share.accelerator == ANY else (share.accelerator,)
        has_type = not wanted or not self.accelerators.isdisjoint(wanted)
        return has_type and share.cpu <= self.cpus and share.gpu <= self.gpus and share.memory <= self.memory

    def copies(self, share: TrialShare) -> int:
        """The number of such trials that fit on the node at once. A share of a GPU lies on one GPU."""
        most = [_times(self.cpus, share.cpu), _times(self.memory, share.memory)]
        if 0 < share.gpu < 1:
            most.append(_times(self.gpus, 1.0) * _times(1.0, share.gpu))
        else:
            most.append(_times(self.gpus, share.gpu))
        return int(min(most))


def _times(supply: float, each: float) -> float:
    """How often `each` fits into `supply`; infinity if `each` is 0."""
    return math.floor(supply / each + 1e-9) if each > 0 else math.inf


def most_at_once(share: TrialShare, nodes: Iterable[NodeSupply]) -> int:
    """The number of trials with this share that fit on all nodes together, if nothing else runs there."""
    return sum(node.copies(share) for node in nodes if node.holds(share))


def fits(share: TrialShare, nodes: Iterable[NodeSupply]) -> bool:
    """Whether at least one trial fits on one of the nodes."""
    return any(node.holds(share) for node in nodes)


def check_fits(share: TrialShare, nodes: Iterable[NodeSupply]) -> None:
    """Check that at least one trial fits on one of the nodes.

    Raises:
        UserError: a trial asks for more than any node has, or for a type of GPU that no node has. The message names the
            resources of the largest node, or the existing types.
    """
    nodes = list(nodes)
    if fits(share, nodes):
        return
    if share.accelerator != ANY:
        nodes = _of_type(share.accelerator, nodes)
    # The node that comes closest: GPUs first, up to the wanted ones, then memory, then CPU cores.
    largest = max(
        nodes,
        key=lambda node: (min(node.gpus, share.gpu), min(node.memory, share.memory), node.cpus),
        default=NodeSupply(0.0, 0.0, 0.0),
    )
    asked = {"cpu": (share.cpu, largest.cpus), "gpu": (share.gpu, largest.gpus)}
    asked["memory"] = (share.memory, largest.memory)
    problems = [
        f"resources.{name}: a trial asks for more than there is; given {wanted:g}; available {available:g}"
        for name, (wanted, available) in asked.items()
        if wanted > available
    ]
    raise UserError("\n".join(problems))


def _of_type(accelerator: str, nodes: list[NodeSupply]) -> list[NodeSupply]:
    found = [node for node in nodes if accelerator in node.accelerators]
    if not found:
        there = sorted({name for node in nodes for name in node.accelerators})
        raise UserError(
            f"resources.accelerator: no node has such a GPU; given {accelerator}; "
            f"allowed {', '.join([ANY, *there])}"
            + ("" if there else ", because no node names the type of its GPUs")
        )
    return found
