"""Reopens a run that has ended, so that it is trained again."""

from __future__ import annotations

from causalmer_core.config.run_config import RunConfig
from results.records.histories import RunHistory
from results.records.layout import SweepLayout
from results.records.schemas import RunState
from sweeps.jobs.job import Job
from sweeps.jobs.run_lock import locked_run


def reopen(layout: SweepLayout, run: RunHistory, reason: str) -> None:
    """Add an attempt that is interrupted at once. So the reopening is on record, and the run trains like a stopped one.

    Args:
        layout: the sweep's folder. The caller holds the sweep's lock.
        run: the run.
        reason: why, for the record.

    Raises:
        JournalError: the record cannot be written.
        UserError: another process trains the run.
    """
    with (
        locked_run(layout, run.key),
        job_of(run).begin(
            layout, run.key, parameters=run.parameters, notes=run.notes, device=run.device, host=run.host
        ) as journal,
    ):
        journal.end(RunState.INTERRUPTED, reason)


def job_of(run: RunHistory) -> Job:
    """The job that trains a run on record, alone."""
    return Job(
        config=RunConfig.read(run.config),
        seeds=(run.key.seed,),
        phase=run.phase,
        role=run.role,
        number=run.number,
        values=run.values,
    )
