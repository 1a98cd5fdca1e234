"""Shows runs in TensorBoard, MLflow and Weights & Biases while they train, by Ray's own callbacks.

A trial of ours trains several seeds side by side. Trackers show its runs, one a seed, by their names in the records,
with the searched parameters as their configuration.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.experiment import Trial
from ray.tune.logger import TBXLoggerCallback

from results.records.layout import SweepLayout
from results.records.manifest import SweepManifest, read_sweep_manifest
from results.records.schemas import RunKey, RunState
from sweeps.jobs.job import Job
from sweeps.progress.tracker_thread import RunLogger, Tracker
from sweeps.search.outcomes import Outcome
from sweeps.spec.sections import MLflowSection, TrackingSection, WandbSection

_LAST_SECONDS = 120.0
"""How long the end of a phase waits for events that a tracker has not handled."""
_INTERRUPTED_SECONDS = 3.0
"""The same after an interruption."""
_NO_METRICS = ("epoch", "phase", "is_best")


@dataclass(eq=False, slots=True)
class TrackedRun:
    """A run with the attributes of a trial that Ray's callbacks read.

    Attributes:
        name: the run's name in the records.
        trial_id: unique beyond the sweep; a resumed run has the same.
        experiment_dir_name: the sweep's name, by which trackers group runs.
        config: the searched parameters by dotted path, and the run's config_id, seed, phase and role.
        local_path: the folder for the trackers' files.
        epoch: the last epoch that was shown.
    """

    name: str
    trial_id: str
    experiment_dir_name: str
    config: dict[str, Any]
    local_path: str
    epoch: int = 0

    @property
    def evaluated_params(self) -> dict[str, Any]:
        """The same as `config`, under the name that TensorBoard's callback reads."""
        return self.config

    def init_local_path(self) -> None:
        """Make the folder `local_path`."""
        Path(self.local_path).mkdir(parents=True, exist_ok=True)

    def __str__(self) -> str:
        return self.name


class Tracking:
    """The trackers of a sweep, over all of its phases.

    Args:
        layout: the sweep's folder.
        section: the section `tracking` of the sweep's file.
        notify: called with a message once a tracker is switched off.
    """

    def __init__(self, layout: SweepLayout, section: TrackingSection, notify: Callable[[str], None]) -> None:
        self._layout = layout
        self._notify = notify
        makers: Mapping[str, Callable[[], RunLogger]] = {
            "tensorboard": TBXLoggerCallback,
            "mlflow": partial(_mlflow, section.mlflow, layout),
            "wandb": partial(_wandb, section.wandb),
        }
        self._trackers = [Tracker(name, makers[name]) for name in section.names]

    @contextmanager
    def showing(self) -> Iterator[list[tune.Callback]]:
        """Within the block the callback given shows runs. The block's end waits for queued events.

        Yields:
            One callback for Ray Tune; an empty list without trackers.
        """
        if not self._trackers:
            yield []
            return
        try:
            yield [_Events(self._send, read_sweep_manifest(self._layout), self._layout)]
        except BaseException:
            self._finish(_INTERRUPTED_SECONDS)
            raise
        self._finish(_LAST_SECONDS)

    def _finish(self, seconds: float) -> None:
        for tracker in self._trackers:
            tracker.finish(seconds)
        self._drop_faulty()

    def _send(self, event: str, *about: Any) -> None:
        for tracker in self._trackers:
            tracker.send(event, *about)
        self._drop_faulty()

    def _drop_faulty(self) -> None:
        for tracker in [tracker for tracker in self._trackers if tracker.fault]:
            self._trackers.remove(tracker)
            self._notify(
                f"note: tracking.{tracker.name} is switched off: {tracker.fault}; the sweep continues without it"
            )


class _Events(tune.Callback):
    """Turns Ray's events of trials into events of runs."""

    def __init__(self, send: Callable[..., None], manifest: SweepManifest, layout: SweepLayout) -> None:
        self._send = send
        self._manifest = manifest
        self._folder = layout.tracking
        self._runs: dict[str, list[TrackedRun]] = {}

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        job = Job.from_json(trial.config["job"])
        self._runs[trial.trial_id] = runs = [self._tracked(job, key) for key in job.keys]
        for run in runs:
            self._send("log_trial_start", run)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        for run, score, row in zip(self._runs[trial.trial_id], result["scores"], result["rows"], strict=True):
            if row is not None and row["epoch"] > run.epoch:  # else only another run of its block trained
                run.epoch = row["epoch"]
                self._send("log_trial_result", iteration, run, _shown(row, score))

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        states = trial.last_result.get("states", ())
        for run, state in zip(self._runs.pop(trial.trial_id, ()), states, strict=False):
            self._send("log_trial_end", run, Outcome(RunState(state), {}).is_failure)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        for run in self._runs.pop(trial.trial_id, ()):
            self._send("log_trial_end", run, True)

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Ray pickles callbacks for a restore that we never ask for

    def _tracked(self, job: Job, key: RunKey) -> TrackedRun:
        values = job.values
        if values is None:  # a contender: the searched parameters are read from its configuration
            values = {path: job.config.value(path) for path in self._manifest.parameters if _has(job, path)}
        about = {"config_id": key.config_id, "seed": key.seed, "phase": job.phase, "role": job.role}
        return TrackedRun(
            name=key.stem,
            trial_id=f"{self._manifest.sweep_id.rpartition('-')[2]}-{key.stem}",
            experiment_dir_name=self._manifest.name,
            config={**values, **about},
            local_path=str(self._folder / key.stem),
        )


def _has(job: Job, path: str) -> bool:
    try:
        return job.config.value(path) is not None
    except KeyError:
        return False


def _shown(row: Mapping[str, Any], score: float | None) -> dict[str, Any]:
    """An epoch's numbers; Ray's callbacks use `training_iteration` as the step."""
    numbers = {name: value for name, value in row.items() if name not in _NO_METRICS and value is not None}
    return {**numbers, **({} if score is None else {"score": score}), "training_iteration": row["epoch"]}


def _mlflow(section: MLflowSection | None, layout: SweepLayout) -> RunLogger:
    given = section or MLflowSection()
    return MLflowLoggerCallback(
        tracking_uri=given.tracking_uri, experiment_name=given.experiment or layout.root.name
    )


def _wandb(section: WandbSection | None) -> RunLogger:
    if section is None:
        raise ValueError("no project is given")
    os.environ["WANDB_MODE"] = section.mode  # without it the callback asks for a key, even offline
    from sweeps.progress.wandb_callback import WandbCallback  # here, because importing wandb takes seconds

    return WandbCallback(
        project=section.project,
        entity=section.entity,
        mode=section.mode,
        resume="allow",  # a resumed run has the same identity
        upload_timeout=int(_LAST_SECONDS),
    )
