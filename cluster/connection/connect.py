"""Starts a private Ray on this machine, or joins a cluster at a given address."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray

from causalmer_core.basics.errors import UserError
from cluster.connection.address import checked_head
from cluster.resources.trial_resources import ACCELERATOR_LABEL, NodeSupply, TrialShare, check_fits, fits

_ENVIRONMENT = {
    # Trials keep the driver's working directory, so that relative paths have the user's meaning.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # A trial without GPUs sees none.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    # Ray's own result files are not the record: do not write them.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # The sweep shows progress. The newer of Ray's two reporters prints even in silent mode.
    "RAY_AIR_NEW_OUTPUT": "0",
    # Ctrl-C reaches the driver as KeyboardInterrupt; Ray's handler would advise to restore with Ray's files.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # The number of trials that may wait for their processes at once. Tune's default is 1 for searchers.
    "TUNE_MAX_PENDING_TRIALS_PG": "32",
}

_POLL_SECONDS = 1.0


@contextmanager
def local_ray(*, cpus: int | None = None, gpus: int | None = None) -> Iterator[tuple[float, float]]:
    """Start a private Ray for the block and stop it afterwards; a running cluster is never joined.

    Args:
        cpus, gpus: its CPU cores and GPUs. None: all of the machine.

    Yields:
        The numbers of its CPU cores and GPUs.
    """
    _prepare_environment()
    # A token for this process only. By default Ray writes one to the home folder with mode 0644.
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    ray.init(
        address="local",
        num_cpus=cpus,
        num_gpus=gpus,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        found: dict[str, float] = ray.cluster_resources()
        yield found.get("CPU", 0.0), found.get("GPU", 0.0)
    finally:
        ray.shutdown()


@contextmanager
def cluster_ray(address: str, *, insecure: bool = False) -> Iterator[str]:
    """Join the cluster at `address` for the block and leave it afterwards; other users' work is not touched.

    Args:
        address: see `cluster.connection.address`.
        insecure: whether a cluster that requires no token is allowed.

    Yields:
        The address of the cluster's head.

    Raises:
        UserError: there is no such cluster, or it cannot be joined.
    """
    _prepare_environment()
    # After this time without a head Ray ends this process with a message of its own. By then a call that waits for the
    # head has failed (after 60 s), and our message is shown.
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "300")
    head = checked_head(address, insecure=insecure)
    try:
        ray.init(
            address=head,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": {name: os.environ[name] for name in _ENVIRONMENT}},
        )
    # A ValueError: a submitted job's environment contradicts ours.
    except (ConnectionError, RuntimeError, ValueError) as error:
        first_line = str(error).partition("\n")[0].rstrip(".")
        raise UserError(
            f"--address {address}: cannot join the cluster of {head}: {first_line}. Likely: this machine is "
            "none of its nodes, or has another version of Ray or Python; run the command on a node"
        ) from error
    try:
        yield head
    finally:
        ray.shutdown()


def wait_for_node(share: TrialShare, notify: Callable[[str], None], patience: float = 300.0) -> None:
    """Wait until the connected cluster has a node on which a trial fits: nodes start after the head.

    Args:
        share: the resources of a trial.
        notify: called with a message if it has to wait.
        patience: the longest wait, in seconds.

    Raises:
        UserError: there is still no such node afterwards.
    """
    end = time.monotonic() + patience
    if not fits(share, nodes_of_cluster()):
        notify(f"waits up to {patience:g} s for a node on which a run fits")
    while not fits(share, nodes_of_cluster()) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    check_fits(share, nodes_of_cluster())


def living_nodes() -> list[dict[str, Any]]:
    """The living nodes of the connected Ray, as Ray describes them."""
    return [node for node in ray.nodes() if node["Alive"]]


def nodes_of_cluster() -> list[NodeSupply]:
    """The resources for trials of every living node of the connected Ray."""
    return [NodeSupply.of(node["Resources"]) for node in living_nodes()]


def labelled_types() -> set[str]:
    """The types of GPUs in the labels of living nodes (see `TrialShare.among`)."""
    return {node["Labels"].get(ACCELERATOR_LABEL, "") for node in living_nodes()} - {""}


def _prepare_environment() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
