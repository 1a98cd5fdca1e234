"""One attempt at a run: it trains, and makes every epoch durable before anyone hears of it.

The order within an epoch is row, checkpoint, report: a checkpoint at epoch k means that the rows up to k are on disk.
How a run ends, pruning included, is decided and written here, by the process that trains, so that no message that
gets lost can make the record wrong. It knows no Ray.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from causalmer_core.cautions import run_notes
from causalmer_core.datasets.store import open_training_data
from causalmer_core.errors import UserError
from causalmer_core.faults import MachineFaultError, is_machine_fault, is_out_of_memory
from causalmer_core.trainer import EpochResult, NonFiniteLossError, Trainer
from results.histories import RunHistory, read_run
from results.journal import JournalError
from results.layout import SweepLayout
from results.records import RunState
from results.run_journal import RunJournal
from sweeps.jobs import Job
from sweeps.run_lock import run_lock
from sweeps.scheduling import missed_bar, out_of_patience


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the runs of a sweep share, in plain values.

    Attributes:
        sweep: the sweep's folder.
        data_root, dataset: where the data set lies.
        direction: of the monitored metric.
        threads: torch threads of one run.
        device: `cpu` or `cuda`.
        gpus: how many GPUs, or which share of one, a run takes.
        run_timeout: seconds of training, over all attempts, after which a run ends as `timeout`; none: no limit.
    """

    sweep: str
    data_root: str
    dataset: str
    direction: Literal["max", "min"]
    threads: int
    device: str
    gpus: float = 0.0
    run_timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """How a run stands after a step: its state, epochs done, and best score."""

    state: RunState
    epoch: int
    score: float | None


class RunSession:
    """An attempt at a run. Call `advance` until the state it returns is final.

    Raises:
        UserError: another process still trains the same run.
    """

    def __init__(self, job: Job, context: RunContext) -> None:
        self._job = job
        self._context = context
        self._layout = SweepLayout(Path(context.sweep))
        self._lock = run_lock(self._layout, job.key)
        self._journal: RunJournal | None = None
        self._trainer: Trainer | None = None
        self._epochs: Iterator[EpochResult] = iter(())
        self._epoch = 0
        self._score: float | None = None
        self._seconds = 0.0

    def advance(self) -> Advance:
        """Train one epoch and record it; at the end of the run write its end.

        A failure of the run itself ends it with its state and reason; a fault of the machine ends the attempt alone.

        Raises:
            JournalError: the record cannot be written.
            MachineFaultError: a fault of the machine; the attempt has ended as `interrupted`.
        """
        try:
            return self._step()
        except JournalError:
            self.close()
            raise
        except Exception as error:
            if is_machine_fault(error):
                self.interrupt(fault := f"{type(error).__name__}: {error}")
                raise MachineFaultError(fault) from error
            return self._end(*_own_fault(error))

    def interrupt(self, reason: str) -> None:
        """End the attempt after its last epoch and let go of the run, which goes on from its checkpoint in another.

        Nothing is written where the run has ended or has not begun.

        Raises:
            JournalError: the record cannot be written.
        """
        if self._journal is not None and not self._journal.ended:
            self._journal.end(RunState.INTERRUPTED, reason)
        self.close()

    def close(self) -> None:
        """Let go of the run; without an end it counts as lost, and a resumed sweep starts it again."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._lock.release()

    def _step(self) -> Advance:
        if self._trainer is None:
            earlier = read_run(self._layout, self._job.key)
            if earlier is not None and earlier.state.is_final:
                # by a process that was gone before it could report
                return Advance(earlier.state, len(earlier.epochs), earlier.score)
            self._trainer = self._start(earlier)
        trainer = self._trainer
        if self._ending(trainer) is None:  # else it was killed between its last checkpoint and its end line
            self._record(trainer, next(self._epochs))
        ending = self._ending(trainer)
        return Advance(RunState.RUNNING, self._epoch, self._score) if ending is None else self._end(*ending)

    def _start(self, earlier: RunHistory | None) -> Trainer:
        torch.set_num_threads(self._context.threads)
        data = open_training_data(Path(self._context.data_root), self._context.dataset)
        config = self._job.config
        trainer = Trainer(config, data, seed=self._job.seed, device=torch.device(self._context.device))
        if self._last.exists():
            trainer.restore(self._last)
            self._epoch, self._score = trainer.epoch, trainer.best_value
        rows = () if earlier is None else earlier.epochs
        self._seconds = sum(row["seconds"] for row in rows if row["epoch"] <= self._epoch)
        self._journal = self._begin_journal(trainer.num_parameters, "; ".join(run_notes(config, data.task)))
        self._epochs = trainer.epochs()
        return trainer

    def _begin_journal(self, parameters: int | None, notes: str) -> RunJournal:
        context = self._context
        return self._job.begin(
            self._layout, parameters=parameters, notes=notes, device=context.device, gpus=context.gpus
        )

    def _record(self, trainer: Trainer, result: EpochResult) -> None:
        if self._journal is None:
            raise RuntimeError("an epoch before the start of its run")
        self._journal.epoch(epoch_row(result, self._job.phase))
        if result.is_best:
            trainer.save_weights(self._layout.best_weights(self._job.key))
        trainer.save(self._last)
        self._epoch, self._score = result.epoch, result.best_value
        self._seconds += result.seconds

    def _ending(self, trainer: Trainer) -> tuple[RunState, str] | None:
        """How and why the run ends where it stands, or none; the same whether it got here or was resumed here."""
        if trainer.stop_reason is not None:
            return RunState.FINISHED, trainer.stop_reason.value
        if reason := out_of_patience(self._job.patience, trainer.epoch, trainer.best_epoch):
            return RunState.FINISHED, reason
        if reason := missed_bar(self._job.bars, self._epoch, self._score, higher_is_better=self._higher):
            return RunState.PRUNED, reason
        limit = self._context.run_timeout
        if limit is not None and self._seconds > limit:
            words = f"trained for {self._seconds:.1f} s by epoch {self._epoch}"
            return RunState.TIMEOUT, f"{words}; failure.run_timeout is {limit:g} s"
        return None

    def _end(self, state: RunState, reason: str = "") -> Advance:
        if self._journal is None:
            self._journal = self._begin_journal(None, "")
        self._journal.end(state, reason)
        self._last.unlink(missing_ok=True)
        return Advance(state, self._epoch, self._score)

    @property
    def _higher(self) -> bool:
        return self._context.direction == "max"

    @property
    def _last(self) -> Path:
        return self._layout.last_checkpoint(self._job.key)


def _own_fault(error: Exception) -> tuple[RunState, str]:
    """How a run ends by a fault of its own: whatever breaks in it is that, and is kept with its traceback."""
    if isinstance(error, NonFiniteLossError):
        return RunState.NAN, str(error)
    if isinstance(error, UserError):
        return RunState.FAILED, str(error)
    if is_out_of_memory(error):
        return RunState.OOM, str(error)
    return RunState.FAILED, "".join(traceback.format_exception(error, limit=-8))


def epoch_row(result: EpochResult, phase: str) -> dict[str, Any]:
    """An epoch as a row of the epochs table."""
    text, audio, vision = result.constants or (None, None, None)
    return {
        "epoch": result.epoch,
        "phase": phase,
        "train_loss": result.train.total,
        "train_task_loss": result.train.task,
        "train_kl_loss": result.train.kl,
        "valid_loss": result.valid.total,
        "valid_task_loss": result.valid.task,
        "valid_kl_loss": result.valid.kl,
        "learning_rate": result.learning_rate,
        "constant_text": text,
        "constant_audio": audio,
        "constant_vision": vision,
        "is_best": result.is_best,
        "seconds": result.seconds,
        **{f"valid_{name}": value for name, value in result.metrics.items()},
    }
