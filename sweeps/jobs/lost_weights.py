"""Reopens finished runs whose weights cannot be used, although an evaluation needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from causalmer_core.basics.errors import UserError
from results.evaluation.run_weights import weights_fault
from results.records.histories import RunHistory, read_run
from results.records.layout import SweepLayout
from results.records.schemas import RunKey, RunState
from sweeps.jobs.reopen import reopen


def reopen_without_weights(
    layout: SweepLayout, keys: Iterable[RunKey], notify: Callable[[RunHistory, str], None]
) -> list[RunHistory]:
    """Reopen the finished runs among `keys` whose weights cannot be used. A damaged file is kept beside its place.

    Args:
        layout: the sweep's folder. The caller holds the sweep's lock.
        keys: the runs whose weights are needed.
        notify: called with each reopened run as it had ended, and with the reason.

    Returns:
        All runs among `keys` that are on record and have not ended, also those that were reopened before. Sorted.

    Raises:
        JournalError: a record cannot be written.
        UserError: another process trains one of the runs, or a file cannot be read or moved.
        StoreError: the object store does not answer.
    """
    open_runs = []
    for key in sorted(keys):
        run = read_run(layout, key)
        if run is None:
            continue
        if run.state is RunState.FINISHED and (fault := weights_fault(layout, run)):
            _keep_beside(layout, key)
            reason = f"to be trained again, because its weights cannot be used: {fault}"
            reopen(layout, run, reason)
            notify(run, reason)
            open_runs.append(run)
        elif not run.state.is_final:
            open_runs.append(run)
    return open_runs


def _keep_beside(layout: SweepLayout, key: RunKey) -> None:
    weights = layout.best_weights(key)
    if not weights.exists():
        return
    beside = layout.damaged_weights(key)
    try:
        weights.replace(beside)
    except OSError as error:
        raise UserError(
            f"cannot move the damaged {weights} to {beside}: {error.strerror or error}; remove both, and resume again"
        ) from error
    layout.store.push(beside)
    layout.store.remove(weights)
