"""What one trial asks of the cluster, checked before anything starts."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from causalmer_core.errors import UserError
from causalmer_core.frozen import Frozen


class TrialResources(Frozen):
    """CPU cores and GPUs of one trial.

    Attributes:
        cpu: logical CPU cores, above 0 (default 1). A fraction lets several trials share a core.
        gpu: GPUs: 0 (default), a fraction between 0 and 1 of one device, or a whole number of devices. A
            fraction shares a device's scheduling, not its memory.
    """

    cpu: float = Field(default=1.0, gt=0.0)
    gpu: float = Field(default=0.0, ge=0.0, json_schema_extra={"anyOf": [{"maximum": 1}, {"multipleOf": 1}]})

    @field_validator("gpu")
    @classmethod
    def _fraction_or_whole(cls, gpu: float) -> float:
        # Ray's driver crashes on 1.5 GPUs, long after the sweep's folder has been made
        if gpu > 1 and not gpu.is_integer():
            allowed = "0, a fraction below 1, or a whole number"
            what = "GPUs above one cannot be divided"
            raise PydanticCustomError(
                "invalid", "{what}; allowed {allowed}", {"what": what, "allowed": allowed}
            )
        return gpu


def check_available(resources: TrialResources, cpus: float, gpus: float) -> None:
    """Checks that at least one trial fits.

    Args:
        resources: what a trial asks for.
        cpus: CPU cores of the cluster, or of its largest node where there are several.
        gpus: GPUs, likewise.

    Raises:
        UserError: a trial asks for more than there is.
    """
    asked = {"cpu": (resources.cpu, cpus), "gpu": (resources.gpu, gpus)}
    problems = [
        f"resources.{name}: a trial asks for more than there is; given {wanted:g}; available {available:g}"
        for name, (wanted, available) in asked.items()
        if wanted > available
    ]
    if problems:
        raise UserError("\n".join(problems))


def fits(resources: TrialResources, nodes: Iterable[tuple[float, float]]) -> bool:
    """Whether at least one trial fits on one of the nodes, given by their CPU cores and GPUs."""
    return any(resources.cpu <= cpus and resources.gpu <= gpus for cpus, gpus in nodes)


def check_fits(resources: TrialResources, nodes: Iterable[tuple[float, float]]) -> None:
    """Checks that at least one trial fits on one of the nodes, given by their CPU cores and GPUs.

    Raises:
        UserError: a trial asks for more than any node has; the largest one is named.
    """
    nodes = list(nodes)
    if not fits(resources, nodes):
        by_gpus = [(gpus, cpus) for cpus, gpus in nodes]
        gpus, cpus = max(
            by_gpus if resources.gpu else [(0.0, cpus) for _, cpus in by_gpus], default=(0.0, 0.0)
        )
        check_available(resources, cpus, gpus)
