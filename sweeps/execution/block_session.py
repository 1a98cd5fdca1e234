"""One attempt at a job: the runs of its block are trained side by side, one epoch each at a time.

The block ends as a whole. It is pruned by the mean of its runs' scores, so that no lucky seed survives alone. If one
run fails, the others end too, because a mean over the surviving seeds is no score. These decisions depend on the
records alone, so a block that was killed anywhere ends like an undisturbed one. This module does not use Ray.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from results.records.locate import layout_at
from results.records.schemas import RunKey, RunState
from sweeps.execution.run_session import RunContext, RunSession
from sweeps.jobs.job import Job
from sweeps.search.early_stopping import mean_score, out_of_patience, pruning_reason

OF_ITS_BLOCK = "another run of its block met a fault"
"""The reason of an attempt that was interrupted for a fault of another run. Records hold it, so it must not change."""


@dataclass(frozen=True, slots=True)
class Advance:
    """A run after a step.

    Attributes:
        key: the run.
        state: its state.
        epoch: how many epochs are done.
        score: the best score so far; None before the first epoch.
        row: the row of its last epoch in this attempt, as in the records; None before there is one.
    """

    key: RunKey
    state: RunState
    epoch: int
    score: float | None
    row: Mapping[str, Any] | None


class BlockSession:
    """An attempt at a job. Call `advance` until all the states that it returns are final.

    Args:
        job: the job.
        context: the settings that all runs of the sweep share.

    Raises:
        UserError: another process still trains one of the runs.
    """

    def __init__(self, job: Job, context: RunContext) -> None:
        self._job = job
        self._context = context
        self._started = False
        self._runs: list[RunSession] = []
        try:
            layout = layout_at(context.sweep)
            for key in job.keys:
                self._runs.append(RunSession(job, key, context, layout))
        except BaseException:
            self.close()
            raise

    def advance(self) -> tuple[Advance, ...]:
        """Train and record one epoch of every run that is not final. At the end of the block write the runs' ends.

        A failure of a run ends it with its state and reason, and prunes the rest of its block. A fault of the machine
        ends only the attempts.

        Returns:
            One entry a run, in the order of the job's seeds.

        Raises:
            JournalError: a record cannot be written.
            MachineFaultError: a fault of the machine; the attempts have ended as `interrupted`.
        """
        try:
            self._step()
        except Exception:
            self.interrupt(OF_ITS_BLOCK)
            raise
        return tuple(Advance(run.key, run.state, run.epoch, run.score, run.row) for run in self._runs)

    def interrupt(self, reason: str) -> None:
        """End the attempts after their last epochs. Later attempts resume the runs from their checkpoints."""
        # the stack calls every callback, also after a record that cannot be written
        with ExitStack() as stack:
            for run in reversed(self._runs):
                stack.callback(run.interrupt, reason)

    def close(self) -> None:
        """Close the runs. A run without an end line counts as lost, and a resumed sweep restarts it."""
        for run in self._runs:
            run.close()

    def _step(self) -> None:
        if not self._started:
            self._start()
        active = self._active()
        # after a kill between two runs' epochs some runs are one epoch behind the others
        behind = min((run.epoch for run in active), default=0)
        for run in active:
            if run.epoch == behind and self._ended_early() is None:
                run.train_epoch()
        self._end_if_due()

    def _start(self) -> None:
        for run in self._runs:
            run.start()
        self._started = True
        self._end_if_due()  # it may have been killed between its last checkpoint and its end lines

    def _end_if_due(self) -> None:
        """End the runs if the block's records say so."""
        self._end_together()
        active = self._active()
        if len({run.epoch for run in active}) == 1:  # else a kill fell between two runs' epochs
            for run in active:
                run.end_if_out_of_time()
        self._end_together()

    def _end_together(self) -> None:
        if ending := self._ending():
            for run in self._active():
                run.end(*ending)

    def _ending(self) -> tuple[RunState, str] | None:
        """State and reason with which the active runs end together; None if they continue."""
        active = self._active()
        if not active:
            return None
        early = self._ended_early()
        if early is not None and early.state is RunState.PRUNED:
            return early.state, early.reason
        if early is not None:
            return RunState.PRUNED, f"run {early.key.stem} of its block ended as {early.state.value}"
        epochs = {run.epoch for run in active}
        return self._ending_at(epochs.pop()) if len(epochs) == 1 else None

    def _ending_at(self, epoch: int) -> tuple[RunState, str] | None:
        """The end by patience or by a missed threshold after an epoch that all active runs have done."""
        best_epoch = max(run.best_epoch for run in self._runs)
        if reason := out_of_patience(self._job.patience, epoch, best_epoch):
            return RunState.FINISHED, reason
        score = mean_score([run.score_at(epoch) for run in self._runs])
        reason = pruning_reason(
            self._job.rung_thresholds, epoch, score, direction=self._context.direction, seeds=self._job.seeds
        )
        return (RunState.PRUNED, reason) if reason else None

    def _active(self) -> list[RunSession]:
        return [run for run in self._runs if not run.state.is_final]

    def _ended_early(self) -> RunSession | None:
        """A run that ended without finishing: a failed one if there is any, else a pruned one."""
        ended = [run for run in self._runs if run.state.is_final and run.state is not RunState.FINISHED]
        return min(ended, key=lambda run: run.state is RunState.PRUNED, default=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
