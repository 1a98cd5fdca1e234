"""One attempt at a job: the runs of its block, side by side, an epoch each at a time.

The block is judged as a whole. It is pruned by the mean of its runs' scores, so that no lucky seed survives alone; and
where one of them fails the others end too, because a mean over the seeds that happened to survive is no score. What the
judgement needs stands in the records, so a block that was killed anywhere ends as an undisturbed one. It knows no Ray.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
"""Why an attempt was interrupted that met no fault of its own."""


@dataclass(frozen=True, slots=True)
class Advance:
    """How a run stands after a step: its state, epochs done, best score, and the row of its last epoch."""

    key: RunKey
    state: RunState
    epoch: int
    score: float | None
    row: Mapping[str, Any] | None


class BlockSession:
    """An attempt at a job. Call `advance` until all the states that it returns are final.

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
        """Train and record one epoch of every run that goes on; at the end of the block write the runs' ends.

        A failure of a run ends it with its state and reason, and the rest of its block; a fault of the machine ends the
        attempt alone.

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
        """End the attempts after their last epochs; the runs go on from their checkpoints in others."""
        with ExitStack() as stack:  # one that cannot be written leaves the others no less interrupted
            for run in reversed(self._runs):
                stack.callback(run.interrupt, reason)

    def close(self) -> None:
        """Let go of the runs; those without an end count as lost, and a resumed sweep starts them again."""
        for run in self._runs:
            run.close()

    def _step(self) -> None:
        if not self._started:
            self._start()
        going = self._going()
        behind = min((run.epoch for run in going), default=0)
        for run in going:
            if run.epoch == behind and self._broken() is None:
                run.train_epoch()
        self._judge()

    def _start(self) -> None:
        for run in self._runs:
            run.start()
        self._started = True
        self._judge()  # it may have been killed between its last checkpoint and its end lines

    def _judge(self) -> None:
        """End the block where its records say so."""
        self._end_together()
        going = self._going()
        if len({run.epoch for run in going}) == 1:  # else a kill fell between two runs' epochs
            for run in going:
                run.end_if_out_of_time()
        self._end_together()

    def _end_together(self) -> None:
        if ending := self._ending():
            for run in self._going():
                run.end(*ending)

    def _ending(self) -> tuple[RunState, str] | None:
        """How and why those that go on end together, or none."""
        going = self._going()
        if not going:
            return None
        broken = self._broken()
        if broken is not None and broken.state is RunState.PRUNED:
            return broken.state, broken.reason
        if broken is not None:
            return RunState.PRUNED, f"run {broken.key.stem} of its block ended as {broken.state.value}"
        epochs = {run.epoch for run in going}
        return self._judged(going, epochs.pop()) if len(epochs) == 1 else None

    def _judged(self, going: Iterable[RunSession], epoch: int) -> tuple[RunState, str] | None:
        best_epoch = max(run.best_epoch for run in self._runs)
        if reason := out_of_patience(self._job.patience, epoch, best_epoch):
            return RunState.FINISHED, reason
        score = mean_score([run.score_at(epoch) for run in self._runs])
        reason = pruning_reason(
            self._job.rung_thresholds, epoch, score, direction=self._context.direction, seeds=self._job.seeds
        )
        return (RunState.PRUNED, reason) if reason else None

    def _going(self) -> list[RunSession]:
        return [run for run in self._runs if not run.state.is_final]

    def _broken(self) -> RunSession | None:
        """A run that ended otherwise than by finishing: a failed one, else a pruned one."""
        ended = [run for run in self._runs if run.state.is_final and run.state is not RunState.FINISHED]
        return min(ended, key=lambda run: run.state is RunState.PRUNED, default=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
