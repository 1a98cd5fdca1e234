"""Looking at every node of a cluster before a sweep: what it has, its clock, and the folder that all must share."""

from __future__ import annotations

import fcntl
import secrets
import shutil
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

from causalmer_core.errors import UserError
from causalmer_core.frozen import Frozen
from cluster import inspector
from cluster.inspector import LOCK, Inspector
from cluster.node_report import Finding, NodeFacts, NodeReport, StorageFacts, findings
from cluster.resources import NodeSupply, TrialResources

_ANSWER_SECONDS = 90.0
"""A node may first have to start a process."""

_CLOCK_READINGS = 5
_DRIVER = "driver"
_DRIVER_NAME = "the process that runs the sweep"


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
    asked = _inspectors(nodes)
    said = _answers({node: who.facts.remote() for node, who in asked.items()})
    awake = {node: who for node, who in asked.items() if node in said.given}
    clocks = {node: _clock(who) for node, who in awake.items()}
    folders: dict[str, StorageFacts] = {}
    if storage is not None:
        names = {node: str(of["NodeManagerAddress"]) for node, of in nodes.items()}
        folders = _storage(storage.resolve(), [str(path.resolve()) for path in needed], awake, names)
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
    shown = None if storage is None else str(storage.resolve())
    found = findings(here, reports, shown, resources)
    return Preflight(here=here, nodes=reports, storage=shown, findings=tuple(found))


@dataclass(frozen=True, slots=True)
class _Answers:
    """What nodes answered, and why others did not."""

    given: dict[str, Any]
    silent: dict[str, str]


@contextmanager
def sent_whole() -> Iterator[None]:
    """Within the block inspectors are sent with their code, since a node may lack our packages."""
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
    """Wait for what all nodes were asked at once."""
    answers = _Answers({}, {})
    end = time.monotonic() + _ANSWER_SECONDS
    for node, answer in asked.items():
        try:
            answers.given[node] = ray.get(answer, timeout=max(end - time.monotonic(), 0.1))
        except (RayError, TimeoutError) as error:
            answers.silent[node] = str(error).partition("\n")[0] or type(error).__name__
    return answers


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
    storage: Path, needed: list[str], inspectors: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, StorageFacts]:
    """Let this process and every node write a file each, and everyone read them all."""
    with _probe_folder(storage) as folder:
        ours, texts = secrets.token_hex(16), {node: secrets.token_hex(16) for node in inspectors}
        if (wrong := Inspector().writes(folder, _DRIVER, ours)) is not None:
            raise _unwritable(storage, wrong)
        writes = _answers({n: who.writes.remote(folder, n, texts[n]) for n, who in inspectors.items()})
        unwritable = {n: writes.given.get(n, writes.silent.get(n)) for n in inspectors}
        written = {node: text for node, text in texts.items() if unwritable[node] is None}
        expected = {_DRIVER: ours, **written}
        reads = _answers({n: who.reads.remote(folder, expected) for n, who in inspectors.items()}).given
        locks = _answers({n: who.is_locked.remote(folder) for n, who in inspectors.items()}).given
        lacks = _answers({n: who.lacks.remote(needed) for n, who in inspectors.items()}).given
        lost = Inspector().reads(folder, written)  # what a node wrote to somewhere else
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
    """What a node cannot read of others, by their names; that others cannot read it is put down to it, too."""
    unread = {names.get(writer, _DRIVER_NAME): why for writer, why in wrong.items() if writer not in lost}
    if node in lost and _DRIVER not in wrong:
        unread[_DRIVER_NAME] = f"nor does that read what this node wrote: {lost[node]}"
    return unread


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
