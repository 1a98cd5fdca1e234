"""Measures the GPU memory of training, on a GPU of the cluster in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from causalmer_core.basics.errors import UserError
from cluster.connection.connect import nodes_of_cluster
from cluster.resources.trial_resources import ANY, NodeSupply, TrialShare

_PATIENCE_SECONDS = 600.0
"""Seconds to wait for a free GPU and the steps; the first step may load CUDA's libraries from a network disk."""


class Probed(NamedTuple):
    """The measured training: a configuration as JSON, the seeds of a block, and a data set of a store.

    The configuration has the fingerprint of the data set's version.
    """

    config: str
    seeds: Sequence[int]
    data_root: str
    dataset: str
    device: str = "cuda"


def types_of_gpus(accelerator: str, nodes: Iterable[NodeSupply] | None = None) -> tuple[str, ...]:
    """The types of GPUs that trials may get; each is measured separately.

    Args:
        accelerator: the type that trials ask for, or `any`.
        nodes: the nodes of the cluster. None: those of the connected Ray.

    Returns:
        The types, sorted, with `any` for GPUs of unknown type; empty if there is no GPU.
    """
    found: set[str] = set()
    for node in nodes_of_cluster() if nodes is None else nodes:
        if node.gpus >= 1 and accelerator in (ANY, *node.accelerators):
            found |= node.accelerators if accelerator == ANY else {accelerator}
            found |= set() if node.accelerators else {ANY}
    return tuple(sorted(found))


def probed(what: Probed, share: TrialShare) -> dict[str, int]:
    """Measure on a GPU of the type in the share, in a process that ends afterwards.

    Args:
        what: the training to measure.
        share: the CPU cores and the type of GPU of a trial; the probe has a whole GPU.

    Returns:
        Bytes: `peak` and `context` of the process on the device, `total` of the device, `host` memory of the process.

    Raises:
        UserError: no GPU was free in time, or the training failed.
    """
    asked = share.model_copy(update={"gpu": 1.0, "memory": 0.0}).ray_resources()
    cpus, gpus = asked.pop("CPU"), asked.pop("GPU")
    task = ray.remote(num_cpus=cpus, num_gpus=gpus, resources=asked, max_calls=1, max_retries=0)(_measure)
    answer = task.remote(what, share.threads)
    try:
        found: dict[str, int] = ray.get(answer, timeout=_PATIENCE_SECONDS)
    except GetTimeoutError as error:
        ray.cancel(answer, force=True)
        raise _failed(
            f"it took more than {_PATIENCE_SECONDS:g} s to get a free GPU and to train on it"
        ) from error
    except RayTaskError as error:
        if isinstance(error.cause, UserError):
            raise error.cause from error
        raise _failed(f"{type(error.cause).__name__}: {error.cause}") from error
    except RayError as error:
        raise _failed(str(error).partition("\n")[0]) from error
    return found


def _failed(why: str) -> UserError:
    return UserError(
        f"resources.gpu: auto: two training steps could not be measured: {why}; allowed a number: the share of a GPU"
    )


def _measure(what: Probed, threads: int) -> dict[str, Any]:
    # Imported in the probe's own process: the driver does not need them.
    from causalmer_core.config.run_config import RunConfig
    from causalmer_core.datasets.store import open_training_data
    from causalmer_core.training.compute import claim_threads
    from causalmer_core.training.cost import measure_memory

    claim_threads(threads)
    config = RunConfig.model_validate_json(what.config)
    data = open_training_data(Path(what.data_root), what.dataset, config.data.fingerprint)
    use = measure_memory(config, data, seeds=what.seeds, device=what.device)
    on_device = use.device
    return {"peak": on_device.peak, "context": on_device.context, "total": on_device.total, "host": use.host}
