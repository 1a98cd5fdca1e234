"""Which share of a node each job gets: what was given or measured, and more for what outgrew it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from causalmer_core.training.device_memory import ASSUMED_CONTEXT_BYTES
from cluster.resources.gpu_share import raised
from cluster.resources.trial_resources import TrialShare
from results.records.journal import Journal, now, read_journal
from results.records.layout import SweepLayout
from sweeps.execution.run_session import RunContext
from sweeps.jobs.job import Job

RAISED = "raised"
"""The kind of the row that says which share a configuration got when it had outgrown its own."""


class Shares:
    """The shares of a sweep's jobs. A configuration that outgrew its share of a GPU has twice of it from then on, once;
    that stands in the records, so that it also holds when the sweep goes on.

    Args:
        layout: the sweep's folder.
        planned: the share of a job at first.
        context_bytes: of a process on its GPU beside its tensors.
    """

    def __init__(
        self,
        layout: SweepLayout,
        planned: Callable[[Job], TrialShare],
        context_bytes: int = ASSUMED_CONTEXT_BYTES,
    ) -> None:
        self._layout = layout
        self._planned = planned
        self._context_bytes = context_bytes
        self._raised: dict[str, float] = {
            row["config_id"]: row["gpu"] for row in read_journal(layout.shares) if row["kind"] == RAISED
        }
        self._answered: set[tuple[str, float]] = set()

    def of(self, job: Job) -> TrialShare:
        """What the job gets now."""
        share = self._planned(job)
        more = self._raised.get(job.key.config_id, 0.0)
        # a file that now asks for more, or for no GPU at all, goes before what is on record
        return share.model_copy(update={"gpu": more}) if 0 < share.gpu < more else share

    def placed(self, job: Job, context: RunContext) -> RunContext:
        """The context with what the job's process should know of its share."""
        gpu = self.of(job).gpu
        may_grow = job.key.config_id not in self._raised and 0 < gpu < 1
        return replace(context, gpus=gpu, context_bytes=self._context_bytes, may_grow=may_grow)

    def grow_share(self, job: Job, out_of_share: float) -> float | None:
        """Give the configuration of a job more of a GPU than the share that it outgrew; none: there is none to give.

        Another job with the same configuration may have outgrown its share before; what that led to holds for both. A
        job is answered once about a share: if it then ends before it has written anything, that is another fault.
        """
        if (job.key.stem, out_of_share) in self._answered:
            return None
        self._answered.add((job.key.stem, out_of_share))
        if (now_has := self.of(job).gpu) > out_of_share:
            return now_has
        more = raised(now_has)
        if more is None or job.key.config_id in self._raised:
            return None
        with Journal.open(self._layout.shares, self._layout.store.push) as journal:
            journal.append({"kind": RAISED, "config_id": job.key.config_id, "gpu": more, "time": now()})
        self._raised[job.key.config_id] = more
        return more


def same_for_all(layout: SweepLayout, share: TrialShare) -> Shares:
    """Every job gets what the sweep's file says."""
    return Shares(layout, lambda _: share)
