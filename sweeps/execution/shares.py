"""The share of a node that each job gets: as planned, and a larger one after it was exceeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from causalmer_core.training.device_memory import ASSUMED_CONTEXT_BYTES
from cluster.resources.gpu_share import raised
from cluster.resources.trial_resources import TrialShare
from results.records.layout import SweepLayout
from results.records.seals import read_sealed
from results.storage.journal import Journal, now
from sweeps.execution.run_session import RunContext
from sweeps.jobs.job import Job

RAISED = "raised"
"""The kind of a row in the journal of shares: a configuration exceeded its share and got a larger one."""


class Shares:
    """The shares of a sweep's jobs.

    A configuration that exceeded its share of a GPU gets twice the share from then on, once. The larger share is on
    record, so a resumed sweep uses it, too.

    Args:
        layout: the sweep's folder.
        planned: gives the first share of a job.
        context_bytes: GPU memory in bytes of a process beside its tensors.
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
            row["config_id"]: row["gpu"]
            for row in read_sealed(layout, layout.shares)
            if row["kind"] == RAISED
        }
        self._answered: set[tuple[str, float]] = set()

    def of(self, job: Job) -> TrialShare:
        """The current share of a job."""
        share = self._planned(job)
        recorded = self._raised.get(job.key.config_id, 0.0)
        # a sweep's file that now asks for more, or for no GPU at all, has precedence over the record
        return share.model_copy(update={"gpu": recorded}) if 0 < share.gpu < recorded else share

    def placed(self, job: Job, context: RunContext) -> RunContext:
        """The context with the settings of the job's share."""
        gpu = self.of(job).gpu
        may_grow = job.key.config_id not in self._raised and 0 < gpu < 1
        return replace(context, gpus=gpu, context_bytes=self._context_bytes, may_grow=may_grow)

    def grow_share(self, job: Job, out_of_share: float) -> float | None:
        """Give the configuration of a job a larger share of a GPU than the one that it exceeded.

        Args:
            job: the job.
            out_of_share: the exceeded share, in GPUs.

        Returns:
            The new share in GPUs; None if it cannot grow.

        Raises:
            JournalError: the new share cannot be recorded.
        """
        # A job asks once about a share. If it ends again without a record of its own, the old record is still the last
        # one, and the end has another cause.
        if (job.key.stem, out_of_share) in self._answered:
            return None
        self._answered.add((job.key.stem, out_of_share))
        # another job of the configuration may have got a larger share already, which is for both
        if (current := self.of(job).gpu) > out_of_share:
            return current
        more = raised(current)
        if more is None or job.key.config_id in self._raised:
            return None
        with Journal.open(self._layout.shares, self._layout.store.push) as journal:
            journal.append({"kind": RAISED, "config_id": job.key.config_id, "gpu": more, "time": now()})
        self._raised[job.key.config_id] = more
        return more


def same_for_all(layout: SweepLayout, share: TrialShare) -> Shares:
    """Shares of which every job gets the same at first."""
    return Shares(layout, lambda _: share)
