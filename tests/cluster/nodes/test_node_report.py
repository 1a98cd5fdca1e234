"""What of a cluster would make a sweep fail, on nodes made by hand: each with one thing wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cluster.nodes.node_report import Finding, NodeFacts, NodeReport, StorageFacts, findings
from cluster.nodes.storage_probe import SharedFolder
from cluster.resources.trial_resources import TrialResources

VERSIONS = {"causalmer": "0.1.0", "torch": "2.13.0", "ray": "2.60.0", "optuna": "5.0.0", "pyarrow": "26.0"}
HERE = NodeFacts(
    host="head",
    memory=2**34,
    python="3.11.7",
    versions=VERSIONS,
    cuda="12.8",
    gpu_models=("NVIDIA H100",),
    driver="570.1",
)


def node(*, facts: dict[str, Any] | None = None, **fields: Any) -> NodeReport:
    right = {"address": "10.0.0.2", "cpus": 8.0, "gpus": 1.0, "is_head": False, "storage": StorageFacts()}
    said = HERE.model_copy(update={"host": "two", **(facts or {})})
    return NodeReport(**{**right, "facts": said, **fields})


SILENT = node(silent="it died").model_copy(update={"facts": None})


def found(*nodes: NodeReport, resources: TrialResources | None = None) -> list[Finding]:
    return findings(HERE, nodes, SharedFolder(Path("/shared/runs")), resources)


def test_equal_nodes_have_nothing_to_say() -> None:
    assert found(node(), node(skew=0.4, skew_bound=0.1), node(gpus=0.0, facts={"gpu_models": ()})) == []


WRONG = [
    (SILENT, "does not answer: it died", "Ray's logs"),
    (
        node(facts={"versions": {**VERSIONS, "causalmer": None}}),
        "has no causalmer",
        "install causalmer 0.1.0 there, in the environment of its Ray",
    ),
    (
        node(facts={"versions": {**VERSIONS, "torch": "2.12.0"}}),
        "has torch 2.12.0, and 2.13.0",
        "install torch 2.13.0",
    ),
    (node(facts={"python": "3.12.1"}), "has Python 3.12.1, and 3.11.7", "one minor version everywhere"),
    (node(facts={"cuda": None}), "Ray gives 1 GPUs and torch is built for CPUs alone", "torch's CUDA build"),
    (
        node(storage=StorageFacts(unwritable="Permission denied")),
        "cannot write to /shared/runs: Permission denied",
        "another --storage",
    ),
    (
        node(storage=StorageFacts(unread={"10.0.0.3": "No such file or directory"})),
        "cannot read in /shared/runs what others wrote there: 10.0.0.3 (No such file or directory)",
        "mount the same file system at /shared/runs on every node",
    ),
    (node(storage=StorageFacts(locks=False)), "does not see a lock in /shared/runs", "NFS: version 4"),
    (
        node(storage=StorageFacts(lacks=("/data/mosi",))),
        "has no /data/mosi",
        "put the data on the file system",
    ),
]


@pytest.mark.parametrize(("wrong", "words", "fix"), WRONG)
def test_what_would_fail_is_a_problem_of_that_node_with_its_fix(
    wrong: NodeReport, words: str, fix: str
) -> None:
    (finding,) = found(node(), wrong)
    assert (finding.kind, finding.node) == ("problem", wrong.name)
    assert words in finding.what
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (node(facts={"versions": {**VERSIONS, "optuna": "4.9"}}), "has optuna 4.9"),
        (node(facts={"gpu_models": ()}), "nvidia-smi shows none"),
        (node(skew=-7.5, skew_bound=0.5), "its clock is -7.5 s off the head's (within 0.5 s)"),
    ],
)
def test_what_only_surprises_is_a_note(odd: NodeReport, words: str) -> None:
    (finding,) = found(odd)
    assert finding.kind == "note"
    assert words in finding.what


def test_a_clock_that_may_be_right_is_not_blamed() -> None:
    assert found(node(skew=3.0, skew_bound=1.5)) == []


def test_a_run_has_to_fit_on_one_node_and_not_on_all_together() -> None:
    small = [node(cpus=2.0, gpus=0.0, facts={"gpu_models": ()}) for _ in range(3)]
    assert found(*small, resources=TrialResources(cpu=2)) == []
    (finding,) = found(*small, resources=TrialResources(cpu=4, gpu=1))
    assert finding.node is None
    assert "no node has the 4 CPUs and 1 GPUs" in finding.what


def test_problems_come_before_notes() -> None:
    kinds = [f.kind for f in found(node(skew=9.0), node(facts={"python": "3.13.0"}), node(skew=9.0))]
    assert kinds == ["problem", "note", "note"]
