"""One attempt at a run: it trains, and makes every epoch durable before it is reported.

The order within an epoch is row, checkpoint, report. So a checkpoint at epoch k means that the rows up to k are on
disk; a checkpoint on an object store means that they are there, too. The run's end is decided and written here and in
its block (`sweeps.execution.block_session`), in the training process. So a lost message cannot make a record wrong.
This module does not use Ray.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from causalmer_core.basics.digests import DamagedFileError
from causalmer_core.basics.errors import UserError
from causalmer_core.basics.faults import (
    DataUnavailableError,
    MachineFaultError,
    ShareExceededError,
    is_machine_fault,
    is_out_of_device_memory,
    is_out_of_memory,
)
from causalmer_core.basics.redaction import without_secrets
from causalmer_core.datasets.base import TrainingData
from causalmer_core.datasets.store import open_training_data
from causalmer_core.method.method_warnings import run_notes
from causalmer_core.training.device_memory import ASSUMED_CONTEXT_BYTES, DeviceShare, device_name
from causalmer_core.training.trained_model import WeightsOrigin, read_weights
from causalmer_core.training.trainer import EpochResult, NonFiniteLossError, Trainer
from results.records.histories import RunHistory, read_run
from results.records.layout import SweepLayout
from results.records.run_journal import RunJournal
from results.records.schemas import RunKey, RunState
from results.storage.journal import JournalError
from sweeps.execution.epoch_rows import epoch_row, without_one
from sweeps.jobs.job import Job
from sweeps.jobs.run_lock import run_lock


@dataclass(frozen=True, slots=True)
class RunContext:
    """The settings that the runs of a sweep share, in plain values.

    Attributes:
        sweep: the sweep's folder, or its address on an object store.
        data_root: the folder of data sets.
        dataset: the data set's name.
        direction: the direction of the monitored metric.
        threads: torch threads of one trial.
        device: `cpu` or `cuda`.
        gpus: how many GPUs, or which share of one, this job's trial takes.
        context_bytes: GPU memory in bytes of a process beside its tensors (see
            `causalmer_core.training.device_memory`).
        may_grow: whether the job is retried with a larger share of a GPU if this share is too small.
        run_timeout: seconds of training, over all attempts, after which a run ends as `timeout`; None: no limit.
        worst_missing: metrics whose worst value without one modality is evaluated at each new best.
    """

    sweep: str
    data_root: str
    dataset: str
    direction: Literal["max", "min"]
    threads: int
    device: str
    gpus: float = 0.0
    context_bytes: int = ASSUMED_CONTEXT_BYTES
    may_grow: bool = False
    run_timeout: float | None = None
    worst_missing: tuple[str, ...] = ()


class RunSession:
    """An attempt at one run of a job. Call `start`, then `train_epoch` until `state` is final.

    A failure of the run itself ends it with its state and reason. A fault of the machine ends only the attempt.

    Args:
        job: the job that the run is a part of.
        key: the run.
        context: the settings that the sweep's runs share.
        layout: the sweep's folder.

    Raises:
        UserError: another process still trains the same run.

    Attributes:
        key: the run.
        state: the run's state.
        reason: why it ended; empty while it has not.
        curve: the best score so far after each epoch, by epoch.
        best_epoch: the last epoch with a new best; 0: none yet.
        row: the row of the last epoch that this attempt trained, as in the records; None before the first.
    """

    def __init__(self, job: Job, key: RunKey, context: RunContext, layout: SweepLayout) -> None:
        self.key = key
        self.state = RunState.RUNNING
        self.reason = ""
        self.curve: dict[int, float] = {}
        self.best_epoch = 0
        self.row: dict[str, Any] | None = None
        self._job = job
        self._context = context
        self._layout = layout
        self._lock = run_lock(self._layout, key)
        self._journal: RunJournal | None = None
        self._trainer: Trainer | None = None
        self._epochs: Iterator[EpochResult] = iter(())
        self._seconds = 0.0
        self._share = DeviceShare(context.device, context.gpus, context.context_bytes)

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return max(self.curve, default=0)

    @property
    def score(self) -> float | None:
        """The best score so far; None before the first epoch."""
        return self.curve[self.epoch] if self.curve else None

    def score_at(self, epoch: int) -> float | None:
        """The best score so far after an epoch. A run that ended before keeps its last one."""
        return self.curve.get(min(epoch, self.epoch))

    def start(self) -> None:
        """Begin, or resume from the last checkpoint. A run that has ended is only read.

        A run resumes only if its checkpoint is intact, is its own, and agrees with its rows and weights. Otherwise it
        trains from its start, which gives the same rows, and its notes have the reason.

        Raises:
            JournalError: the record cannot be written.
            MachineFaultError: a fault of the machine; the attempt has ended as `interrupted`.
        """
        earlier = read_run(self._layout, self.key, look_elsewhere=True)
        if earlier is not None and earlier.state.is_final:
            # its process ended before it could report
            self.state, self.reason, self.curve = earlier.state, earlier.reason, earlier.curve
            self.best_epoch = earlier.best_epoch or 0
            return
        with self._own_faults():
            self._trainer = self._restored(earlier)
            # it may have been killed between its last checkpoint and its end line
            self._end_if_done(self._trainer)

    def train_epoch(self) -> None:
        """Train one epoch and record it. If training ends by itself, write the run's end.

        Raises:
            RuntimeError: the run was not started.
            JournalError: the record cannot be written.
            MachineFaultError: a fault of the machine; the attempt has ended as `interrupted`.
        """
        trainer = self._trainer
        if trainer is None:
            raise RuntimeError("an epoch before the start of its run")
        with self._own_faults():
            self._record(trainer, next(self._epochs))
            self._end_if_done(trainer)

    def end_if_out_of_time(self) -> None:
        """End the run as `timeout` if it has trained for longer than `run_timeout`."""
        limit = self._context.run_timeout
        if limit is not None and self._seconds > limit:
            trained = f"trained for {self._seconds:.1f} s by epoch {self.epoch}"
            self.end(RunState.TIMEOUT, f"{trained}; failure.run_timeout is {limit:g} s")

    def end(self, state: RunState, reason: str = "") -> None:
        """Write the end of the run, and release the trainer."""
        if self._journal is None:
            self._journal = self._begin_journal(None, "")
        self._journal.end(state, reason, **self._share.used())
        self._layout.store.remove(self._last)
        self.state, self.reason = state, reason
        self._trainer, self._epochs = None, iter(())

    def interrupt(self, reason: str, **extra: Any) -> None:
        """End the attempt after its last epoch and close it. A later attempt resumes the run from its checkpoint.

        Nothing is written if the run has ended or has not begun.

        Args:
            reason: why, for the record.
            extra: further values of the end line.

        Raises:
            JournalError: the record cannot be written.
        """
        try:
            if self._journal is not None and not self._journal.ended:
                self._journal.end(RunState.INTERRUPTED, reason, **self._share.used(), **extra)
        finally:
            self.close()

    def close(self) -> None:
        """Close the journal and release the lock. A run without an end line counts as lost and can be resumed."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._lock.release()

    @contextmanager
    def _own_faults(self) -> Iterator[None]:
        """Within the block an error ends the run with its own state; a fault of the machine ends only the attempt."""
        try:
            yield
        except JournalError:
            self.close()
            raise
        except Exception as error:
            if is_out_of_device_memory(error):
                self._end_out_of_memory(error)
                return
            if is_machine_fault(error):
                # Without a journal there would be no record of the fault, and it would read as a lost process.
                self._journal = self._journal or self._begin_journal(None, "")
                self.interrupt(fault := without_secrets(f"{type(error).__name__}: {error}"))
                # Without its cause, whose text may hold a secret: Ray writes the error into its files.
                raise MachineFaultError(fault) from None
            state, reason = _own_fault(error)
            self.end(state, without_secrets(reason))

    def _end_out_of_memory(self, error: Exception) -> None:
        """The share of the GPU is too small: end the attempt if the share may grow, else the run."""
        reason = self._share.exceeded_by(error)
        if not self._context.may_grow:
            self.end(RunState.OOM, reason)
            return
        if self._journal is None:
            self._journal = self._begin_journal(None, "")
        self.interrupt(reason, out_of_share=self._context.gpus)
        raise ShareExceededError(reason) from error

    def _restored(self, earlier: RunHistory | None) -> Trainer:
        # Sums depend on the number of threads. A process of Ray's sets more than this, before the session.
        torch.set_num_threads(self._context.threads)
        self._share.claim()
        config = self._job.config
        data = self._opened_data()
        notes = run_notes(config, data.task)
        trainer = self._new_trainer(data)
        if self._layout.store.pull(self._last) and (fault := self._restore(trainer, earlier)):
            self._layout.store.remove(self._last)
            del trainer  # a share of a GPU may not hold two
            trainer = self._new_trainer(data)
            notes += (f"trained again from its start: {fault}",)
        if earlier is not None:
            self.curve = {epoch: best for epoch, best in earlier.curve.items() if epoch <= trainer.epoch}
            self._seconds = sum(row["seconds"] for row in earlier.epochs if row["epoch"] <= trainer.epoch)
        self.best_epoch = trainer.best_epoch
        self._journal = self._begin_journal(trainer.num_parameters, "; ".join(notes))
        self._epochs = trainer.epochs()
        return trainer

    def _new_trainer(self, data: TrainingData) -> Trainer:
        device = torch.device(self._context.device)
        return Trainer(self._job.config, data, seed=self.key.seed, device=device)

    def _restore(self, trainer: Trainer, earlier: RunHistory | None) -> str:
        """Restore from the last checkpoint. Why the run cannot resume from it; empty: it can.

        The run then has exactly the rows of an undisturbed one: all rows before are on record, and tell the same best.
        """
        try:
            trainer.restore(self._last)
        except DamagedFileError as error:
            return f"{self._last.name}: {error.what}"
        if earlier is None or not earlier.has_epochs(trainer.epoch):
            return f"its checkpoint is of epoch {trainer.epoch}, and rows of epochs before are not on record"
        best = max((row["epoch"] for row in earlier.epochs[: trainer.epoch] if row.get("is_best")), default=0)
        if best != trainer.best_epoch or (best and earlier.curve[best] != trainer.best_value):
            return f"its checkpoint has another best epoch than its rows: {trainer.best_epoch}, not {best}"
        return self._fault_of_weights(trainer) if best else ""

    def _fault_of_weights(self, trainer: Trainer) -> str:
        """Why the weights on disk are not those of the trainer's best epoch; empty: they are."""
        path = self._layout.best_weights(self.key)
        if not self._layout.store.pull(path):
            return "the weights of its best epoch are missing"
        fault = ""
        # A kill between an epoch's weights and its checkpoint leaves the weights of the next epoch, which is repeated.
        for epoch in (trainer.best_epoch, trainer.epoch + 1):
            try:
                read_weights(path, WeightsOrigin(self.key.config_id, self.key.seed, epoch))
                return ""
            except DamagedFileError as error:
                fault = fault or f"{path.name}: {error.what}"
        return fault

    def _opened_data(self) -> TrainingData:
        """The data that the job's configuration was made for, and no other version of it."""
        root, name = Path(self._context.data_root), self._context.dataset
        try:
            return open_training_data(root, name, self._job.config.data.fingerprint)
        except UserError as error:
            # The driver has opened this version, so the store has changed since then, or this node cannot read it.
            raise DataUnavailableError(str(error)) from error

    def _begin_journal(self, parameters: int | None, notes: str) -> RunJournal:
        context = self._context
        return self._job.begin(
            self._layout,
            self.key,
            parameters=parameters,
            notes=notes,
            device=device_name(torch.device(context.device)),
            gpus=context.gpus / len(self._job.seeds),
        )

    def _record(self, trainer: Trainer, result: EpochResult) -> None:
        if self._journal is None:
            raise RuntimeError("an epoch before the start of its run")
        worst = without_one(trainer, self._context.worst_missing) if result.is_best else {}
        self.row = {**epoch_row(result, self._job.phase), **worst}
        self._journal.epoch(self.row)
        if result.is_best:
            trainer.save_weights(weights := self._layout.best_weights(self.key))
            self._layout.store.push(weights)
        trainer.save(self._last)
        self._layout.store.push(self._last)
        self.curve[result.epoch] = result.best_value
        self.best_epoch = result.best_epoch
        self._seconds += result.seconds

    def _end_if_done(self, trainer: Trainer) -> None:
        if trainer.stop_reason is not None:
            self.end(RunState.FINISHED, trainer.stop_reason.value)

    @property
    def _last(self) -> Path:
        return self._layout.last_checkpoint(self.key)


def _own_fault(error: Exception) -> tuple[RunState, str]:
    """State and reason of a run that ends by its own fault. An unknown error is kept with its traceback."""
    if isinstance(error, NonFiniteLossError):
        return RunState.NAN, str(error)
    if isinstance(error, UserError):
        return RunState.FAILED, str(error)
    if is_out_of_memory(error):
        return RunState.OOM, str(error)
    return RunState.FAILED, "".join(traceback.format_exception(error, limit=-8))
