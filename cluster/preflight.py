"""Looking at every node of a cluster before a sweep: what it has, its clock, and the folder that all must share."""

from __future__ import annotations

import fcntl
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from causalmer_core.errors import UserError
from causalmer_core.frozen import Frozen
from cluster import inspector
from cluster.inspector import LOCK, Inspector
from cluster.node_report import Finding, NodeFacts, NodeReport, StorageFacts, findings
from cluster.resources import TrialResources

_ANSWER_SECONDS = 90.0
"""A node may first have to start a process."""

_CLOCK_READINGS = 5
_DRIVER = "the process that runs the sweep"


class Preflight(Frozen):
    """What a look at a cluster found.

    Attributes:
        here: the process that would run the sweep.
        nodes: all living nodes.
        storage: the folder of all sweeps that they were asked about; none: none.
        findings: what there is to say, problems first.
    """

    here: NodeFacts
    nodes: tuple[NodeReport, ...]
    storage: str | None
    findings: tuple[Finding, ...]

    @property
    def would_fail(self) -> bool:
        """Whether a sweep would."""
        return any(finding.kind == "problem" for finding in self.findings)


def look(
    storage: Path | None = None, needed: Sequence[Path] = (), resources: TrialResources | None = None
) -> Preflight:
    """Look at every node of the Ray that is connected. Files that are written into the storage are removed again.

    Args:
        storage: the folder of all sweeps; it is made where it is missing.
        needed: paths that runs read.
        resources: what a run asks for; none: the default.

    Raises:
        UserError: this process itself cannot write to the storage.
    """
    here = NodeFacts(**_facts(Inspector().facts()))
    nodes = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
    with _inspectors(nodes) as asked:
        said = _all(asked, "facts")
        clocks = {node: _clock(who) for node, who in asked.items() if node in said.answers}
        folders: dict[str, StorageFacts] = {}
        if storage is not None:
            awake = {node: asked[node] for node in said.answers}
            folders = _storage(storage.resolve(), [str(path.resolve()) for path in needed], awake, nodes)
    head = next((clocks[n] for n, node in nodes.items() if _is_head(node) and n in clocks), None)
    reports = tuple(
        NodeReport(
            address=node["NodeManagerAddress"],
            cpus=node["Resources"].get("CPU", 0.0),
            gpus=node["Resources"].get("GPU", 0.0),
            is_head=_is_head(node),
            silent=said.silent.get(node_id),
            facts=NodeFacts(**_facts(said.answers[node_id])) if node_id in said.answers else None,
            storage=folders.get(node_id),
            **_skew(clocks.get(node_id), head),
        )
        for node_id, node in nodes.items()
    )
    shown = None if storage is None else str(storage.resolve())
    found = findings(here, reports, shown, resources)
    return Preflight(here=here, nodes=reports, storage=shown, findings=tuple(found))


class _Said:
    """What nodes answered, and why others did not."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.silent: dict[str, str] = {}


@contextmanager
def _inspectors(nodes: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """An inspector on every node, sent whole, since a node may lack our packages."""
    module = sys.modules[inspector.__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        actor = ray.remote(num_cpus=0)(Inspector)
        there = [NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes]
        yield {
            node: actor.options(scheduling_strategy=strategy).remote()
            for node, strategy in zip(nodes, there, strict=True)
        }
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _all(inspectors: Mapping[str, Any], method: str, *arguments: Any) -> _Said:
    """Ask all nodes at once."""
    said = _Said()
    asked = {node: getattr(who, method).remote(*arguments) for node, who in inspectors.items()}
    end = time.monotonic() + _ANSWER_SECONDS
    for node, answer in asked.items():
        try:
            said.answers[node] = ray.get(answer, timeout=max(end - time.monotonic(), 0.1))
        except (RayError, TimeoutError) as error:
            said.silent[node] = str(error).partition("\n")[0] or type(error).__name__
    return said


def _clock(who: Any) -> tuple[float, float] | None:
    """A node's clock minus ours, and how far the truth may be from that: half the time that the answer took."""
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


def _skew(clock: tuple[float, float] | None, head: tuple[float, float] | None) -> dict[str, Any]:
    if clock is None or head is None:
        return {}
    if clock is head:
        return {"skew": 0.0}
    return {"skew": clock[0] - head[0], "skew_bound": clock[1] + head[1]}


def _storage(
    storage: Path, needed: list[str], inspectors: Mapping[str, Any], nodes: Mapping[str, Any]
) -> dict[str, StorageFacts]:
    """Let this process and every node write a file each, and everyone read them all."""
    with _probe_folder(storage) as folder:
        texts = {node: secrets.token_hex(16) for node in inspectors}
        ours = secrets.token_hex(16)
        if (wrong := Inspector().writes(folder, "driver", ours)) is not None:
            raise _unwritable(storage, wrong)
        writes = {node: who.writes.remote(folder, node, texts[node]) for node, who in inspectors.items()}
        unwritable = {node: ray.get(answer, timeout=_ANSWER_SECONDS) for node, answer in writes.items()}
        written = {node: text for node, text in texts.items() if unwritable[node] is None}
        reads = _all(inspectors, "reads", folder, {"driver": ours, **written}).answers
        lost = Inspector().reads(folder, written)  # what went elsewhere is not seen here
        locks = _all(inspectors, "is_locked", folder).answers
        lacks = _all(inspectors, "lacks", needed).answers
    names = {node: nodes[node]["NodeManagerAddress"] for node in nodes} | {"driver": _DRIVER}
    found = {}
    for node in inspectors:
        unread = {names[writer]: why for writer, why in reads.get(node, {}).items()}
        if node in lost and "driver" not in reads.get(node, {}):
            unread[_DRIVER] = f"what this node writes is not seen there: {lost[node]}"
        found[node] = StorageFacts(
            unwritable=unwritable[node],
            unread=unread,
            locks=locks.get(node),
            lacks=tuple(lacks.get(node, ())),
        )
    return found


@contextmanager
def _probe_folder(storage: Path) -> Iterator[str]:
    """A new folder in the storage with a lock that is held, both gone afterwards."""
    folder = storage / f".preflight-{secrets.token_hex(8)}"
    try:
        storage.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        lock = (folder / LOCK).open("w", encoding="utf-8")
    except OSError as error:
        raise _unwritable(storage, error.strerror or str(error)) from error
    try:
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unwritable(storage: Path, why: str) -> UserError:
    return UserError(
        f"--storage {storage}: cannot write there from here: {why}; allowed a folder of yours that all nodes share"
    )


def _facts(said: Mapping[str, Any]) -> dict[str, Any]:
    return {**said, "gpu_models": tuple(said["gpu_models"])}


def _is_head(node: Mapping[str, Any]) -> bool:
    return "node:__internal_head__" in node["Resources"]
