"""Running jobs under Ray Tune: which trial runs when and where is Ray's, what is true is in the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from cluster.resources import TrialResources
from results.layout import SweepLayout
from results.records import RunKey
from sweeps.job_sources import JobSource, NoJob
from sweeps.jobs import Job
from sweeps.run_session import RunContext
from sweeps.trainable import RunTrainable

WORKER_RESTARTS = 2
"""How often a run whose process died is started again at once, from its last checkpoint."""


class Observer(Protocol):
    """Who is told how the runs go."""

    def run_started(self, job: Job) -> None:
        """A job was given out."""
        ...

    def epoch_done(self, key: RunKey, epoch: int, score: float | None) -> None:
        """A run reported an epoch."""
        ...

    def run_done(self, key: RunKey, words: str) -> None:
        """A run will not go on; `words` say how it ended."""
        ...


def run_jobs(
    source: JobSource,
    first: Job,
    *,
    layout: SweepLayout,
    context: RunContext,
    resources: TrialResources,
    observer: Observer,
) -> None:
    """Run a job and every further one of its source; Ray must be connected.

    A run's failure is in its record and does not stop the others.

    Raises:
        KeyboardInterrupt: on Ctrl-C; what is recorded stays, and a resumed sweep goes on from there.
    """
    jobs = _Jobs(source, first, context, observer)
    trainable = tune.with_resources(RunTrainable, {"cpu": resources.cpu, "gpu": resources.gpu})
    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=jobs,
            num_samples=-1,
            reuse_actors=True,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_name,
        ),
        run_config=tune.RunConfig(
            name=layout.root.name,
            storage_path=str(layout.ray.resolve()),
            verbose=0,
            failure_config=tune.FailureConfig(max_failures=WORKER_RESTARTS),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    )
    tuner.fit()


class _Jobs(Searcher):
    """A job source in the form in which Ray Tune asks for configurations."""

    def __init__(self, source: JobSource, first: Job, context: RunContext, observer: Observer) -> None:
        super().__init__(metric="score", mode="max")
        self._source = source
        self._first: Job | None = first
        self._context = asdict(context)
        self._observer = observer
        self._keys: dict[str, RunKey] = {}

    def set_search_properties(
        self,
        metric: str | None,
        mode: str | None,
        config: Mapping[str, Any],
        **spec: Any,
    ) -> bool:
        return True

    def suggest(self, trial_id: str) -> Any:
        job = self._first or self._source.next_job()
        self._first = None
        if job is NoJob.LATER:
            return None
        if not isinstance(job, Job):
            return Searcher.FINISHED
        self._keys[trial_id] = job.key
        self._observer.run_started(job)
        return {"job": job.to_json(), "context": self._context}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        self._observer.epoch_done(self._keys[trial_id], result["epoch"], result["score"])

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        key = self._keys.pop(trial_id)
        self._source.completed(key)
        state = "process lost" if error or not result else str(result["state"])
        score = (result or {}).get("score")
        self._observer.run_done(key, state if score is None else f"{state}, best score {score:.4f}")

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Ray pickles the searcher for a restore that is never asked of it

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).touch()  # Ray expects a file; the state is in the records

    def restore(self, checkpoint_path: str) -> None:
        raise RuntimeError("a sweep goes on from its records, not from Ray's files")


def _trial_name(trial: Trial) -> str:
    return Job.from_json(trial.config["job"]).key.stem
