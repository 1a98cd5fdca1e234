"""Runs jobs under Ray Tune, which decides when and where they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from causalmer_core.basics.errors import UserError
from cluster.connection.watch import RayLostError, lost_processes, watched
from results.records.histories import RunHistory, read_run
from results.records.layout import SweepLayout
from results.records.schemas import RunState
from results.records.seals import seal_runs
from sweeps.execution.block_session import OF_ITS_BLOCK
from sweeps.execution.interruption import Interruption
from sweeps.execution.retries import Retries
from sweeps.execution.run_session import RunContext
from sweeps.execution.shares import Shares
from sweeps.execution.trainable import JobTrainable
from sweeps.execution.tune_hooks import (
    Capacity,
    PreferStartingActors,
    ReleaseFinishedTrials,
    send_no_environment,
)
from sweeps.jobs.job import Job
from sweeps.jobs.observer import Observer
from sweeps.jobs.run_lock import locked_run
from sweeps.jobs.source import JobSource, NoJob, is_done


def run_jobs(
    source: JobSource,
    first: Job,
    *,
    layout: SweepLayout,
    context: RunContext,
    shares: Shares,
    retries: int,
    observer: Observer,
    callbacks: Sequence[tune.Callback] = (),
) -> None:
    """Run a job and every further job of its source. Ray must be connected.

    A run's failure is in its record and does not stop other runs. A job that exceeded its share of a GPU is retried
    with a larger one. Ray itself retries nothing, because it would not wait.

    Args:
        source: the jobs.
        first: a job that the source has given out already.
        layout: the sweep's folder.
        context: the settings that the sweep's runs share.
        shares: the share of a node that each job gets.
        retries: the largest number of retries of a job in a row after faults of the machine.
        observer: is notified of runs.
        callbacks: further callbacks of Ray Tune.

    Raises:
        KeyboardInterrupt: on Ctrl-C or SIGTERM. The records stay, and a resumed sweep continues from them.
        RayLostError: a process of Ray has ended. The runs can resume under another Ray.
        UserError: the source cannot continue, or a fault of the machine persists.
        Exception: any other error of the source, raised after the running epochs.
    """
    with Interruption(observer.notify) as interruption:
        jobs = _Jobs(source, first, layout, context, shares, Retries(retries), observer, interruption)
        try:
            send_no_environment()
            with watched(lambda _: interruption.end_at_once()):
                _tuner(jobs, layout, callbacks).fit()
        except BaseException as error:
            if not interruption.requested:
                _check_ray(error)  # a lost process is the cause of whichever error Tune raises then
            raise
        if jobs.error is not None:
            raise jobs.error
        if interruption.requested:
            raise KeyboardInterrupt
        _check_ray()


def _check_ray(error: BaseException | None = None) -> None:
    if lost := lost_processes():
        raise RayLostError(f"Ray's {' and '.join(lost)} is gone") from error


def _tuner(jobs: _Jobs, layout: SweepLayout, callbacks: Sequence[tune.Callback]) -> tune.Tuner:
    return tune.Tuner(
        JobTrainable,
        tune_config=tune.TuneConfig(
            search_alg=jobs,
            num_samples=-1,
            scheduler=PreferStartingActors(jobs.capacity),
            reuse_actors=True,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_name,
        ),
        run_config=tune.RunConfig(
            name=layout.root.name,
            storage_path=str(layout.ray.resolve()),
            verbose=0,
            stop=_Stop(jobs),
            callbacks=[*callbacks, _NotifyStarted(jobs), ReleaseFinishedTrials()],
            failure_config=tune.FailureConfig(max_failures=0),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )


class _Jobs(Searcher):
    """A job source as a searcher, Ray Tune's interface for the next configuration."""

    def __init__(
        self,
        source: JobSource,
        first: Job,
        layout: SweepLayout,
        context: RunContext,
        shares: Shares,
        retries: Retries,
        observer: Observer,
        interruption: Interruption,
    ) -> None:
        super().__init__(metric="score", mode="max")
        self._source = source
        self._first: Job | None = first
        self._layout = layout
        self._context = context
        self._shares = shares
        self._retries = retries
        self._observer = observer
        self._interruption = interruption
        self._jobs: dict[str, Job] = {}
        self.capacity = Capacity()
        self.error: Exception | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether running runs end after their epoch, and no further run begins."""
        return self._interruption.requested or self.error is not None

    def set_search_properties(
        self,
        metric: str | None,
        mode: str | None,
        config: Mapping[str, Any],
        **spec: Any,
    ) -> bool:
        return True

    def suggest(self, trial_id: str) -> Any:
        try:
            job = NoJob.NEVER if self.is_stopping else self._next_job()
        except Exception as error:  # kept for `run_jobs` to raise, because Ray would wrap it
            self.error = error
            job = NoJob.NEVER
        if job is NoJob.LATER:
            return None
        if not isinstance(job, Job):
            return Searcher.FINISHED
        self._jobs[trial_id] = job
        context = self._shares.placed(job, self._context)
        share = self._shares.of(job)
        self.capacity.set_share(share)
        return {
            "job": job.to_json(),
            "context": asdict(context),
            "share": share.ray_resources(),
            "labels": share.ray_labels(),
        }

    def trial_started(self, trial_id: str) -> None:
        """A trial has a process."""
        self._observer.run_started(self._jobs[trial_id])

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        reported = zip(self._jobs[trial_id].keys, result["epochs"], result["scores"], strict=True)
        for key, epoch, score in reported:
            self._observer.epoch_done(key, epoch, score)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        job = self._jobs.pop(trial_id)
        try:
            self._completed(job, error=error)
        except UserError as error_of_user:
            self.error = self.error or error_of_user

    def _next_job(self) -> Job | NoJob:
        """The next job: the first one, then a retry that is due, then a new job of the source."""
        job: Job | NoJob = self._first or self._retries.due() or self._source.next_job()
        self._first = None
        # a job that runs or waits may yet make the source give out more
        running = bool(self._jobs) or self._retries.is_waiting
        return NoJob.LATER if job is NoJob.NEVER and running else job

    def _completed(self, job: Job, *, error: bool) -> None:
        """Handle the end of a job's trial by its records: the job ended, was stopped, or met a fault."""
        histories = [read_run(self._layout, key) for key in job.keys]
        if all(map(is_done, histories)):
            self._end(job)
        elif self.is_stopping and not error:
            for key in job.keys:
                self._observer.run_stopped(key, "interrupted after its epoch", again=False)
        elif not lost_processes() and not self._exceeded_share(job, histories):
            self._met_fault(job, [history for history in histories if history is not None])

    def _exceeded_share(self, job: Job, histories: Sequence[RunHistory | None]) -> bool:
        """Retry a job at once with a larger share of a GPU, if its share was too small; whether it was."""
        found = [
            (h.out_of_share, h.reason) for h in histories if h is not None and h.out_of_share is not None
        ]
        if not found or (more := self._shares.grow_share(job, found[0][0])) is None:
            return False
        for key in job.keys:
            self._observer.run_stopped(key, f"{found[0][1]}; resumes with {more:g} of a GPU", again=True)
        self._retries.at_once(job)
        return True

    def _met_fault(self, job: Job, histories: Sequence[RunHistory]) -> None:
        recorded = _fault(histories)
        fault = recorded or "its process was lost"
        wait = self._retries.failed(job, sum(len(history.epochs) for history in histories))
        if wait is not None:
            for key in job.keys:
                self._observer.run_stopped(key, f"{fault}; resumes in {wait:g} s", again=True)
        elif recorded:
            raise UserError(
                f"run {job.key.stem}: a fault of the machine persists after all retries; the last one: {fault}. The "
                "run is not recorded as failed; fix the machine, then run the same command again"
            )
        else:
            _record_crash(self._layout, job, self._context)
            self._end(job)

    def _end(self, job: Job) -> None:
        seal_runs(self._layout, job.keys)
        self._source.completed(job)
        for key in job.keys:
            if (history := read_run(self._layout, key)) is not None:
                self._observer.run_ended(history)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Ray pickles the searcher for a restore that we never ask for

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).touch()  # Ray expects a file; the state is in the records

    def restore(self, checkpoint_path: str) -> None:
        raise RuntimeError("a sweep resumes from its records, not from Ray's files")


class _NotifyStarted(tune.Callback):
    """Notifies of a trial when it has got a process. Before that it only waits."""

    def __init__(self, jobs: _Jobs) -> None:
        self._jobs = jobs

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self._jobs.trial_started(trial.trial_id)


class _Stop(tune.Stopper):
    """Ends every run after its epoch when the sweep is stopping."""

    def __init__(self, jobs: _Jobs) -> None:
        self._jobs = jobs

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return self._jobs.is_stopping

    def stop_all(self) -> bool:
        return False  # True would not wait for the running epochs

    def __getstate__(self) -> dict[str, Any]:
        return {}


def _fault(histories: Sequence[RunHistory]) -> str:
    """The fault of the machine that a run of a job recorded; empty if none could record one."""
    reasons = [history.reason for history in histories if history.state is RunState.INTERRUPTED]
    return next((reason for reason in reasons if reason != OF_ITS_BLOCK), "")


def _record_crash(layout: SweepLayout, job: Job, context: RunContext) -> None:
    """Write the end of runs that lost their process in every attempt, since their processes could not."""
    reason = "its process was lost repeatedly, without an epoch in between: killed by the system, or crashed"
    for key in job.keys:
        if not is_done(read_run(layout, key)):
            with locked_run(layout, key), job.begin(layout, key, device=context.device) as journal:
                journal.end(RunState.FAILED, reason)


def _trial_name(trial: Trial) -> str:
    return Job.from_json(trial.config["job"]).name
