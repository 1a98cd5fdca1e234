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
from filelock import FileLock, Timeout

from causalmer_core.cautions import run_notes
from causalmer_core.datasets.store import open_training_data
from causalmer_core.errors import UserError
from causalmer_core.trainer import EpochResult, NonFiniteLossError, Trainer
from results.histories import read_run
from results.journal import JournalError
from results.layout import SweepLayout
from results.records import RunState
from results.run_journal import RunJournal
from sweeps.jobs import Job
from sweeps.scheduling import is_cut

LOCK_SECONDS = 60.0
"""How long a new attempt waits for the process of the last one to be gone."""


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the runs of a sweep share, in plain values.

    Attributes:
        sweep: the sweep's folder.
        data_root, dataset: where the data set lies.
        direction: of the monitored metric.
        threads: torch threads of one run.
        device: `cpu` or `cuda`.
    """

    sweep: str
    data_root: str
    dataset: str
    direction: Literal["max", "min"]
    threads: int
    device: str


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
        self._folder = self._layout.checkpoints(job.key)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._folder / ".lock", timeout=LOCK_SECONDS)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise UserError(f"run {job.key.stem}: another process trains it; stop that one first") from error
        self._journal: RunJournal | None = None
        self._trainer: Trainer | None = None
        self._epochs: Iterator[EpochResult] = iter(())
        self._epoch = 0
        self._score: float | None = None

    def advance(self) -> Advance:
        """Train one epoch and record it; at the end of the run write its end.

        A failure of the run itself ends it with its state and reason; a journal that cannot be written is raised,
        since then nothing can be recorded.

        Raises:
            JournalError: the record cannot be written.
        """
        try:
            return self._step()
        except JournalError:
            raise
        except NonFiniteLossError as error:
            return self._end(RunState.NAN, str(error))
        except UserError as error:
            return self._end(RunState.FAILED, str(error))
        except Exception as error:
            # whatever breaks in a run is that run's failure, and is kept with its traceback
            if _is_out_of_memory(error):
                return self._end(RunState.OOM, str(error))
            return self._end(RunState.FAILED, traceback.format_exc(limit=-8))

    def close(self) -> None:
        """Let go of the run; without an end it counts as lost, and a resumed sweep starts it again."""
        if self._journal is not None:
            self._journal.close()
        self._lock.release()

    def _step(self) -> Advance:
        if self._trainer is None:
            ended = read_run(self._layout, self._job.key)
            if ended is not None and ended.state.is_final:
                # by a process that was gone before it could report
                return Advance(ended.state, len(ended.epochs), ended.score)
        trainer = self._trainer or self._start()
        if self._ending(trainer) is None:  # else it was killed between its last checkpoint and its end line
            self._record(trainer, next(self._epochs))
        ending = self._ending(trainer)
        return Advance(RunState.RUNNING, self._epoch, self._score) if ending is None else self._end(*ending)

    def _start(self) -> Trainer:
        torch.set_num_threads(self._context.threads)
        data = open_training_data(Path(self._context.data_root), self._context.dataset)
        config = self._job.config
        trainer = Trainer(config, data, seed=self._job.seed, device=torch.device(self._context.device))
        if self._last.exists():
            trainer.restore(self._last)
            self._epoch, self._score = trainer.epoch, trainer.best_value
        self._journal = self._begin_journal(trainer.num_parameters, "; ".join(run_notes(config, data.task)))
        self._trainer = trainer
        self._epochs = trainer.epochs()
        return trainer

    def _begin_journal(self, parameters: int | None, notes: str) -> RunJournal:
        job = self._job
        return RunJournal.begin(
            self._layout,
            job.key,
            phase=job.phase,
            role=job.role,
            number=job.number,
            config=job.config.model_dump(mode="json"),
            values=job.values,
            parameters=parameters,
            device=self._context.device,
            notes=notes,
        )

    def _record(self, trainer: Trainer, result: EpochResult) -> None:
        if self._journal is None:
            raise RuntimeError("an epoch before the start of its run")
        self._journal.epoch(epoch_row(result, self._job.phase))
        if result.is_best:
            trainer.save_weights(self._layout.best_weights(self._job.key))
        trainer.save(self._last)
        self._epoch, self._score = result.epoch, result.best_value

    def _ending(self, trainer: Trainer) -> tuple[RunState, str] | None:
        """How and why the run ends where it stands, or none; the same whether it got here or was resumed here."""
        if trainer.stop_reason is not None:
            return RunState.FINISHED, trainer.stop_reason.value
        reason = self._cut_reason()
        return (RunState.PRUNED, reason) if reason else None

    def _cut_reason(self) -> str:
        """Why the run is pruned after this epoch, or an empty text."""
        bar = self._job.bars.get(self._epoch)
        higher = self._context.direction == "max"
        if bar is None or self._score is None or not is_cut(self._score, bar, higher_is_better=higher):
            return ""
        return f"best score {self._score:.4f} misses the bar {bar:.4f} at epoch {self._epoch}"

    def _end(self, state: RunState, reason: str = "") -> Advance:
        if self._journal is None:
            self._journal = self._begin_journal(None, "")
        self._journal.end(state, reason)
        self._last.unlink(missing_ok=True)
        return Advance(state, self._epoch, self._score)

    @property
    def _last(self) -> Path:
        return self._folder / "last.safetensors"


def _is_out_of_memory(error: Exception) -> bool:
    """On a CPU torch says so with a plain RuntimeError."""
    on_cpu = isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    return on_cpu or isinstance(error, (torch.OutOfMemoryError, MemoryError))


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
