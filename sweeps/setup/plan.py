"""The plan of a sweep: its runs, and its estimated time from a few measured steps."""

from __future__ import annotations

import os
from dataclasses import dataclass

from causalmer_core.training.cost import Cost, measure_cost
from sweeps.jobs.evaluate import most_runs
from sweeps.setup.preflight import CheckedSweep


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a sweep.

    Attributes:
        sweep: the checked sweep.
        space_size: the number of distinct configurations. None: the space is a continuum.
        runs: the largest number of runs, by phase.
        max_epochs: the most epochs of a run.
        costs: costs measured on this machine's CPU, of the fixed part and of the paper's default.
        workers: the number of runs that fit on the machine at once.
        seconds: the estimated wall time in seconds if no run ends early. Each run is assumed to cost the mean of
            `costs`.
    """

    sweep: CheckedSweep
    space_size: int | None
    runs: dict[str, int]
    max_epochs: int
    costs: dict[str, Cost]
    workers: int
    seconds: float


def plan_sweep(sweep: CheckedSweep, cpus: int | None = None, gpus: int | None = None) -> Plan:
    """Plan a sweep: measure a few training steps, and start nothing.

    Args:
        sweep: the checked sweep.
        cpus: CPU cores to use; None: all of this machine.
        gpus: GPUs to use; None: as many as the runs that fit on the CPUs need.
    """
    spec = sweep.spec
    threads = spec.resources.least.threads
    configs = {"fixed part": sweep.configurations.base, "paper's default": sweep.configurations.paper}
    costs = {name: measure_cost(config, sweep.data, threads=threads) for name, config in configs.items()}
    workers = max(int((cpus or os.cpu_count() or 1) / spec.resources.cpu), 1)
    if gpus is not None and (share := spec.resources.least.gpu):
        workers = max(min(workers, int(gpus / share)), 1)
    runs = most_runs(spec)
    max_epochs = configs["fixed part"].trainer.max_epochs
    epoch = sum(cost.epoch_seconds for cost in costs.values()) / len(costs)
    return Plan(
        sweep=sweep,
        space_size=spec.space.size(),
        runs=runs,
        max_epochs=max_epochs,
        costs=costs,
        workers=workers,
        seconds=sum(runs.values()) * max_epochs * epoch / workers,
    )
