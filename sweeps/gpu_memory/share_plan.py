"""The plan of GPU shares for the jobs of a sweep: given by the user, or measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from causalmer_core.config.identity import config_id
from causalmer_core.config.run_config import RunConfig
from cluster.connection.connect import labelled_types, nodes_of_cluster
from cluster.nodes.memory_probe import Probed, probed, types_of_gpus
from cluster.resources.trial_resources import ANY, TrialShare, check_fits
from results.records.layout import SweepLayout
from results.records.seals import read_sealed
from results.storage.journal import Journal, now
from sweeps.execution.shares import Shares, same_for_all
from sweeps.gpu_memory.largest import Sizes, largest_config
from sweeps.gpu_memory.measures import MemorySample, measured_share
from sweeps.jobs.job import Job
from sweeps.setup.preflight import CheckedSweep
from sweeps.spec.problems import attributed_to

MEASURED = "measured"
"""The kind of a journal row with a measurement."""

_A_LOT = 1.5
"""The first proposal is measured too if the largest configuration has more than this many times its size."""

_LOOK_SECONDS = 10.0
"""The least time between two looks for new types of GPUs."""

Notify = Callable[[str], None]
"""A receiver of messages for the user."""


@dataclass(frozen=True, slots=True)
class SharePlan:
    """The shares of the jobs, and the device of training.

    Attributes:
        shares: the share of each job.
        device: torch's name of the device, such as `cpu` or `cuda`.
    """

    shares: Shares
    device: str


def plan_shares(sweep: CheckedSweep, first: Job, notify: Notify, *, device: str = "cuda") -> SharePlan:
    """Decide the shares of a sweep's jobs; Ray must be connected.

    Args:
        sweep: the sweep.
        first: the sweep's first job, an example of a typical proposal.
        notify: called with messages for the user.
        device: torch's name of the devices that Ray calls GPUs.

    Raises:
        UserError: the measurement failed, or its share fits on no node.
    """
    resources = sweep.spec.resources
    if resources.gpu != "auto":
        return SharePlan(same_for_all(sweep.layout, resources.least), device if resources.gpu else "cpu")
    with attributed_to("resources"):
        types = types_of_gpus(resources.accelerator)
        if not types:
            notify("resources.gpu: auto: no node has a GPU, so runs train on CPUs")
            return SharePlan(same_for_all(sweep.layout, resources.least), "cpu")
        # Types that join later are unmeasured. Without a type from every node they cannot be told apart.
        known = types if resources.accelerator == ANY and labelled_types().issuperset(types) else ()
        least = resources.least.model_copy(update={"among": known})
        sizes = Sizes(sweep.data)
        measures = _measures(sweep, first, types, sizes, notify, device)
        differs = any(measure.of == "drawn" for measure in measures)

        def planned(job: Job) -> TrialShare:
            late()
            size = sizes(job.config) * len(job.seeds) if differs else 0
            return measured_share(size, measures, least)

        late = LateTypes(known, lambda: types_of_gpus(resources.accelerator), notify)
        most = measured_share(max(measure.size for measure in measures), measures, least)
        check_fits(most, nodes_of_cluster())
    for measure in measures:
        notify(f"resources.gpu: auto: the {measure.described()}")
    return SharePlan(Shares(sweep.layout, planned, max(measure.context for measure in measures)), device)


class LateTypes:
    """Notifies the user once of each type of GPU that joined after the measurement: it gets no runs.

    Args:
        measured: the types that get runs; empty: all types.
        now: returns the types in the cluster.
        notify: called with the message.
        clock: the time in seconds; tests pass their own.
    """

    def __init__(
        self,
        measured: Iterable[str],
        now: Callable[[], Iterable[str]],
        notify: Notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known = set(measured)
        self._now = now
        self._notify = notify
        self._clock = clock
        self._next = clock() + _LOOK_SECONDS

    def __call__(self) -> None:
        """Look for new types, at most every `_LOOK_SECONDS`."""
        if not self._known or self._clock() < self._next:
            return
        self._next = self._clock() + _LOOK_SECONDS
        for kind in sorted(set(self._now()) - self._known):
            self._known.add(kind)
            self._notify(
                f"resources.gpu: auto: GPUs of type {kind} joined after the measurement, so they get no runs; "
                "to measure and use them, interrupt the sweep and run the same command again"
            )


def recorded_measures(layout: SweepLayout) -> list[MemorySample]:
    """The recorded samples: the last one of each configuration and type of GPU."""
    rows = [row for row in read_sealed(layout, layout.shares) if row["kind"] == MEASURED]
    fields = MemorySample.model_fields
    found = [MemorySample(**{name: row[name] for name in fields}) for row in rows]
    return list({(measure.accelerator, measure.of): measure for measure in found}.values())


def _measures(
    sweep: CheckedSweep, first: Job, types: Sequence[str], sizes: Sizes, notify: Notify, device: str
) -> list[MemorySample]:
    """The samples of these types: recorded ones, and new ones for types without a sample of the largest."""
    block = max(map(len, sweep.spec.search_blocks()))
    known = [m for m in recorded_measures(sweep.layout) if m.accelerator in types]
    large = [m for m in known if m.of == "largest"]
    lacking = [kind for kind in types if not any(m.accelerator == kind and m.seeds == block for m in large)]
    if not lacking:
        notify(f"resources.gpu: auto: uses the measurement of {large[0].time[:10]}")
        return known
    notify("resources.gpu: auto: looks for the largest configuration and trains two steps of it on a GPU")
    largest = largest_config(sweep.configurations, sizes)
    asked: list[tuple[str, RunConfig, int]] = [("largest", largest, block)]
    if sizes(largest) * block > _A_LOT * sizes(first.config):
        asked.append(("drawn", first.config, 1))
    found = [measure for measure in known if measure.accelerator not in lacking]
    with Journal.open(sweep.layout.shares, sweep.layout.store.push) as journal:
        for kind in lacking:
            for of, config, seeds in asked:
                measured = _measured(sweep, config, seeds, kind, device)
                row: dict[str, Any] = {"of": of, "size": sizes(config) * seeds, **measured}
                journal.append({"kind": MEASURED, **row})
                found.append(MemorySample(**row))
    return found


def _measured(
    sweep: CheckedSweep, config: RunConfig, seeds: int, accelerator: str, device: str
) -> dict[str, Any]:
    share = sweep.spec.resources.least.model_copy(update={"accelerator": accelerator})
    what = Probed(
        config=config.model_dump_json(),
        seeds=tuple(range(seeds)),
        data_root=str(sweep.data_root.resolve()),
        dataset=sweep.spec.data.name,
        device=device,
    )
    found = probed(what, share)
    where = {"accelerator": accelerator, "config_id": config_id(config), "seeds": seeds}
    return {**where, **found, "time": now()}
