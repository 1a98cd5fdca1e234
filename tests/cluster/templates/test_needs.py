"""A sweep's needs, spread over nodes: everything that can run at once fits, and no node more."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.templates.needs import Needs


@pytest.mark.parametrize(
    ("cpu", "gpu", "at_once", "nodes", "cpus", "gpus"),
    [
        (1, 0, 4, 1, 4, 0),
        (2, 1, 4, 2, 4, 2),
        (1, 0.25, 8, 1, 8, 2),
        (1, 0.4, 4, 1, 4, 2),  # two runs a device, never a run over two
        (1, 0.4, 5, 2, 3, 2),
        (0.5, 2, 3, 1, 2, 6),
        (1, 0, 4, 8, 1, 0),
    ],
)
def test_nodes_hold_what_runs_at_once(
    cpu: float, gpu: float, at_once: int, nodes: int, cpus: int, gpus: int
) -> None:
    needs = Needs(cpu=cpu, gpu=gpu, at_once=at_once)
    assert (needs.cpus_per_node(nodes), needs.gpus_per_node(nodes)) == (cpus, gpus)


@given(st.floats(0.01, 1), st.integers(1, 60), st.integers(1, 9))
def test_runs_that_share_devices_fit_without_being_split(gpu: float, at_once: int, nodes: int) -> None:
    gpus = Needs(gpu=gpu, at_once=at_once).gpus_per_node(nodes)
    runs = math.ceil(at_once / nodes)
    assert gpus * math.floor(1 / gpu) >= runs
    assert (gpus - 1) * math.floor(1 / gpu) < runs
