"""Reopens runs that failed for a cause outside of them, such as a missing file or a low limit.

Only the user asks for it (`causalmer run SWEEP.yaml --retry-failed`). Proposals on record stay as they are. Later
proposals and confirmations depend on the new outcomes of these runs.
"""

from __future__ import annotations

from results.records.histories import read_runs
from results.records.layout import SweepLayout
from results.records.schemas import RunKey, RunState
from sweeps.jobs.reopen import reopen

RETRIABLE = frozenset({RunState.FAILED, RunState.OOM, RunState.TIMEOUT})
"""Final states whose cause may be outside of the run. A NaN would recur, and a pruned run was weak."""


def reopen_failed(layout: SweepLayout) -> list[RunKey]:
    """Reopen runs that ended as `failed`, `oom` or `timeout`, and runs that were pruned with them in their blocks.

    Each run gets a further attempt that is interrupted at once. So the reopening is on record, and the run resumes like
    any interrupted run.

    Args:
        layout: the sweep's folder. The caller holds the sweep's lock.

    Returns:
        The reopened runs, sorted.

    Raises:
        JournalError: a record cannot be written.
        UserError: another process trains one of the runs.
    """
    histories = read_runs(layout)
    failed = {(run.key.config_id, run.phase) for run in histories if run.state in RETRIABLE}
    same_block = [run for run in histories if (run.key.config_id, run.phase) in failed]
    # A block that was pruned by its score has no failed run, and no block comes after it.
    pruned = [run for run in same_block if run.state is RunState.PRUNED]
    # The pruned runs come first: if the process is killed in between, the failed ones still mark the block.
    reopened = [*pruned, *(run for run in same_block if run.state in RETRIABLE)]
    for run in reopened:
        reason = f"to be tried again; it had ended as {run.state.value}: {run.reason}"
        reopen(layout, run, reason)
    return sorted(run.key for run in reopened)
