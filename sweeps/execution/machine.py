"""Where the runs of a sweep are trained: on a private Ray on this machine, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cluster.connection.connect import cluster_ray, local_ray, nodes_of_cluster, wait_for_node
from cluster.resources.trial_resources import TrialShare, check_fits
from sweeps.spec.problems import attributed_to


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the runs are trained.

    Attributes:
        cpus, gpus: how many CPU cores and GPUs a private Ray may use; None: all of the machine.
        address: the address of a cluster to join (see `cluster.connection.address`); None: a private Ray.
        insecure: whether to join a cluster that asks for no token, too.
    """

    cpus: int | None = None
    gpus: int | None = None
    address: str | None = None
    insecure: bool = False


@contextmanager
def connected_ray(machine: Machine, share: TrialShare, notify: Callable[[str], None]) -> Iterator[None]:
    """Within the block Ray is connected, and at least one run fits on it.

    Args:
        machine: where the runs are trained.
        share: the smallest share that a run takes.
        notify: called with messages for the user.

    Raises:
        UserError: no run fits, or the cluster cannot be reached or must not be joined.
    """
    if machine.address is None:
        with local_ray(cpus=machine.cpus, gpus=machine.gpus) as (cpus, gpus):
            with attributed_to("resources"):
                check_fits(share, nodes_of_cluster())
            notify(f"started a private Ray with {cpus:g} CPUs and {gpus:g} GPUs")
            yield
    else:
        with cluster_ray(machine.address, insecure=machine.insecure) as head:
            with attributed_to("resources"):
                wait_for_node(share, notify)
            notify(f"joined the cluster of {head}: {_size()}")
            yield


def _size() -> str:
    nodes = nodes_of_cluster()
    cpus, gpus = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
    count = "1 node" if len(nodes) == 1 else f"{len(nodes)} nodes"
    return f"{count} with {cpus:g} CPUs and {gpus:g} GPUs"
