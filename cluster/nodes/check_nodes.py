"""Checks every node of a cluster before a sweep: resources, clock and shared storage."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from causalmer_core.basics.errors import UserError
from causalmer_core.basics.validation import Frozen
from cluster.connection.connect import living_nodes
from cluster.nodes import node_probe as inspector
from cluster.nodes.node_probe import Inspector
from cluster.nodes.node_report import Finding, NodeFacts, NodeReport, StorageFacts, findings
from cluster.nodes.storage_probe import SharedPlace
from cluster.resources.trial_resources import NodeSupply, TrialResources

_ANSWER_SECONDS = 90.0
"""Seconds to wait for an answer; a node may first have to start a process."""

_CLOCK_READINGS = 5
_DRIVER = "driver"
_DRIVER_NAME = "the process that runs the sweep"


class Preflight(Frozen):
    """The result of a check of a cluster.

    Attributes:
        here: the process that would run the sweep.
        nodes: all living nodes.
        storage: the name of the tested storage. None: none was tested.
        findings: the findings, problems first.
    """

    here: NodeFacts
    nodes: tuple[NodeReport, ...]
    storage: str | None
    findings: tuple[Finding, ...]

    @property
    def would_fail(self) -> bool:
        """Whether a sweep on this cluster would fail."""
        return any(finding.kind == "problem" for finding in self.findings)


def look(
    storage: SharedPlace | None = None,
    needed: Sequence[Path] = (),
    resources: TrialResources | None = None,
) -> Preflight:
    """Check every node of the connected Ray. Files that the check writes into the storage are removed again.

    Args:
        storage: the shared storage. None: it is not tested.
        needed: paths that runs read.
        resources: the resources of a run. None: the default.

    Raises:
        UserError: this process cannot write to the storage.
    """
    here = NodeFacts(**_facts(Inspector().facts()))
    nodes = {node["NodeID"]: node for node in living_nodes()}
    asked = _inspectors(nodes)
    said = _answers({node: who.facts.remote() for node, who in asked.items()})
    awake = {node: who for node, who in asked.items() if node in said.given}
    clocks = {node: _clock(who) for node, who in awake.items()}
    folders: dict[str, StorageFacts] = {}
    if storage is not None:
        names = {node: str(of["NodeManagerAddress"]) for node, of in nodes.items()}
        folders = _storage(storage, [str(path.resolve()) for path in needed], awake, names)
    head = next((clocks[n] for n, node in nodes.items() if _is_head(node) and n in clocks), None)
    reports = tuple(
        NodeReport(
            address=node["NodeManagerAddress"],
            **_supply(node["Resources"]),
            is_head=_is_head(node),
            silent=said.silent.get(node_id),
            facts=NodeFacts(**_facts(said.given[node_id])) if node_id in said.given else None,
            storage=folders.get(node_id),
            **_skew(clocks.get(node_id), head),
        )
        for node_id, node in nodes.items()
    )
    found = findings(here, reports, storage, resources)
    name = None if storage is None else storage.name
    return Preflight(here=here, nodes=reports, storage=name, findings=tuple(found))


@dataclass(frozen=True, slots=True)
class _Answers:
    """The answers of nodes, and the reasons why others did not answer."""

    given: dict[str, Any]
    silent: dict[str, str]


@contextmanager
def sent_whole() -> Iterator[None]:
    """Send inspectors with their code within the block, because a node may lack our packages."""
    module = sys.modules[inspector.__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _inspectors(nodes: Iterable[str]) -> dict[str, Any]:
    actor = ray.remote(num_cpus=0)(Inspector)
    there = {node: NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes}
    with sent_whole():
        return {node: actor.options(scheduling_strategy=place).remote() for node, place in there.items()}


def _answers(asked: Mapping[str, Any]) -> _Answers:
    """Wait for the answers of all nodes to one question."""
    answers = _Answers({}, {})
    end = time.monotonic() + _ANSWER_SECONDS
    for node, answer in asked.items():
        try:
            answers.given[node] = ray.get(answer, timeout=max(end - time.monotonic(), 0.1))
        except (RayError, TimeoutError) as error:
            answers.silent[node] = str(error).partition("\n")[0] or type(error).__name__
    return answers


def _clock(who: Any) -> tuple[float, float] | None:
    """A node's clock minus ours in seconds, and its largest error: half the duration of the answer."""
    best: tuple[float, float] | None = None
    for _ in range(_CLOCK_READINGS):
        before = time.time()
        try:
            there = ray.get(who.clock.remote(), timeout=_ANSWER_SECONDS)
        except (RayError, TimeoutError):
            return best
        after = time.time()
        bound = (after - before) / 2
        if best is None or bound < best[1]:
            best = there - (before + bound), bound
    return best


def _supply(resources: dict[str, float]) -> dict[str, Any]:
    has = NodeSupply.of(resources)
    return {**has._asdict(), "accelerators": tuple(sorted(has.accelerators))}


def _skew(clock: tuple[float, float] | None, head: tuple[float, float] | None) -> dict[str, Any]:
    if clock is None or head is None:
        return {}
    if clock is head:
        return {"skew": 0.0}
    return {"skew": clock[0] - head[0], "skew_bound": clock[1] + head[1]}


def _storage(
    storage: SharedPlace, needed: list[str], inspectors: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, StorageFacts]:
    """Let this process and every node write one file each and read all files."""
    here = Inspector()
    with sent_whole(), storage.probed() as probe:
        ours, texts = secrets.token_hex(16), {node: secrets.token_hex(16) for node in inspectors}
        if (wrong := here.writes(probe, _DRIVER, ours)) is not None:
            raise UserError(f"--storage {storage.name}: cannot write there from here: {wrong}")
        writes = _answers({n: who.writes.remote(probe, n, texts[n]) for n, who in inspectors.items()})
        unwritable = {n: writes.given.get(n, writes.silent.get(n)) for n in inspectors}
        written = {node: text for node, text in texts.items() if unwritable[node] is None}
        expected = {_DRIVER: ours, **written}
        reads = _answers({n: who.reads.remote(probe, expected) for n, who in inspectors.items()}).given
        locks = _answers({n: who.is_locked.remote(probe) for n, who in inspectors.items()}).given
        lacks = _answers({n: who.lacks.remote(needed) for n, who in inspectors.items()}).given
        lost = here.reads(probe, written)  # files of nodes that wrote to another place
    return {
        node: StorageFacts(
            unwritable=unwritable[node],
            unread=_unread(node, reads.get(node, {}), lost, names),
            locks=locks.get(node),
            lacks=tuple(lacks.get(node, ())),
        )
        for node in inspectors
    }


def _unread(
    node: str, wrong: Mapping[str, str], lost: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, str]:
    """The files that a node cannot read, by writer; a node whose own file nobody can read is at fault, too."""
    unread = {names.get(writer, _DRIVER_NAME): why for writer, why in wrong.items() if writer not in lost}
    if node in lost and _DRIVER not in wrong:
        unread[_DRIVER_NAME] = f"nor does that read what this node wrote: {lost[node]}"
    return unread


def _facts(said: Mapping[str, Any]) -> dict[str, Any]:
    return {**said, "gpu_models": tuple(said["gpu_models"])}


def _is_head(node: Mapping[str, Any]) -> bool:
    return "node:__internal_head__" in node["Resources"]
