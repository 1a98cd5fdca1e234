"""Runs that ended for a cause that may be mended, opened again: a file that was missing, a limit that was too low.

Asked for by the user alone (`causalmer run SWEEP.yaml --retry-failed`). Proposals that are on record stay as they are;
what is proposed or confirmed from now on follows from what becomes of these runs.
"""

from __future__ import annotations

from causalmer_core.config.run_config import RunConfig
from results.records.histories import RunHistory, read_runs
from results.records.layout import SweepLayout
from results.records.schemas import RunKey, RunState
from sweeps.jobs.job import Job
from sweeps.jobs.run_lock import locked_run

MENDABLE = frozenset({RunState.FAILED, RunState.OOM, RunState.TIMEOUT})
"""Ends whose cause may lie outside of the run; a NaN would come again, and a run that was pruned was weak."""


def reopen_failed(layout: SweepLayout) -> list[RunKey]:
    """Let runs that ended as `failed`, `oom` or `timeout` go on, with those of their blocks that ended for them.

    Each gets a further attempt that is interrupted at once, so that it is durable and counts as any interrupted one.

    Args:
        layout: the sweep's folder; whoever calls this holds the sweep's lock.

    Returns:
        The runs that were opened again.

    Raises:
        JournalError: a record cannot be written.
    """
    histories = read_runs(layout)
    failed = {(run.key.config_id, run.phase) for run in histories if run.state in MENDABLE}
    of_their_blocks = [run for run in histories if (run.key.config_id, run.phase) in failed]
    # A block that was pruned by its score has no failed run, and no block comes after it.
    ended_for_them = [run for run in of_their_blocks if run.state is RunState.PRUNED]
    themselves = [run for run in of_their_blocks if run.state in MENDABLE]
    opened = [*ended_for_them, *themselves]  # in this order: who is killed on the way can ask for it again
    for run in opened:
        _reopen(layout, run)
    return sorted(run.key for run in opened)


def _reopen(layout: SweepLayout, run: RunHistory) -> None:
    job = Job(
        config=RunConfig.read(run.config),
        seeds=(run.key.seed,),
        phase=run.phase,
        role=run.role,
        number=run.number,
        values=run.values,
    )
    reason = f"to be tried again; it had ended as {run.state.value}: {run.reason}"
    with (
        locked_run(layout, run.key),
        job.begin(
            layout, run.key, parameters=run.parameters, notes=run.notes, device=run.device, host=run.host
        ) as journal,
    ):
        journal.end(RunState.INTERRUPTED, reason)
