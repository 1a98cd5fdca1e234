"""A private Ray on this machine, for local mode."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import ray

_ENVIRONMENT = {
    # Trials keep the driver's working directory, so that relative paths mean what the user wrote.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # A trial without GPUs sees none.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    # Ray's own result files are not the record: do not write them.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Progress is shown by the sweep; the newer of Ray's two reporters prints even when told to be silent.
    "RAY_AIR_NEW_OUTPUT": "0",
    # Ctrl-C reaches the driver as KeyboardInterrupt; Ray's handler would advise to restore with Ray's files.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # A token of this process alone. Left to itself, Ray writes one to the home folder with mode 0644.
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}


@contextmanager
def local_ray(*, cpus: int | None = None, gpus: int | None = None) -> Iterator[tuple[float, float]]:
    """Start a private Ray for the block and stop it after; a cluster that happens to run is never joined.

    Args:
        cpus, gpus: what it may use; by default all that the machine has.

    Yields:
        The CPUs and the GPUs that it has.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
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
