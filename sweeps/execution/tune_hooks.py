"""Hooks of Ray Tune: what processes are sent, which trial gets a free one, what ended trials hold."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from ray import tune
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from cluster.connection.connect import nodes_of_cluster
from cluster.resources.trial_resources import TrialShare, most_at_once

REFRESH_SECONDS = 10.0
"""The number of trials that fit is computed anew after this time, because nodes come and go."""


def send_no_environment() -> None:
    """Make Ray Tune send no environment variable of the driver to the processes that train.

    By itself Tune sends `AWS_SECRET_ACCESS_KEY` and its like in a runtime environment. Ray writes these into logs that
    every user of the machine can read, and keeps them. The processes have the environment of their node's Ray instead:
    a private Ray has the driver's, and nodes of a cluster have their own credentials.
    """
    class_cache.ENV_VARS_TO_PROPAGATE.clear()


class Capacity:
    """How many trials with the latest share fit on all nodes together."""

    def __init__(self) -> None:
        self._share: TrialShare | None = None
        self._known, self._until = 0, -math.inf

    def set_share(self, share: TrialShare) -> None:
        """Set the share of the trial that was made last."""
        if share != self._share:
            self._share, self._until = share, -math.inf

    def __call__(self) -> int:
        """The number of trials; 0 before a share was set."""
        if self._share is not None and time.monotonic() >= self._until:
            self._known = most_at_once(self._share, nodes_of_cluster())
            self._until = time.monotonic() + REFRESH_SECONDS
        return self._known


class PreferStartingActors(FIFOScheduler):
    """Gives a free process to the first waiting trial for which no process is being started.

    Tune starts processes for the waiting trials in their order, as far as they fit. By itself it would give a free
    process to the first of them, and end the process that is being started for that trial. The seconds of importing
    would be lost, and with runs shorter than that a second process would never come up.

    Args:
        most_at_once: gives how many trials fit on all nodes together.
    """

    def __init__(self, most_at_once: Callable[[], int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._most_at_once = most_at_once

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The first waiting trial that no process is being started for, else the last waiting one.

        Returns:
            The trial; None if none waits.
        """
        live = [trial for trial in tune_controller.get_trials() if not trial.is_finished()]
        waiting = [trial for trial in live if trial.status == Trial.PENDING]
        starting = max(self._most_at_once() - (len(live) - len(waiting)), 0)
        return waiting[min(starting, len(waiting) - 1)] if waiting else None


class ReleaseFinishedTrials(tune.Callback):
    """Empties trials that have ended, so that the driver's memory hardly grows with their number.

    Tune keeps every trial to the end. A trial's configuration is a whole job as text, of which Tune keeps several
    copies: in the trial, in its name, in its last result, and in the state that it saves for a restore. We never
    restore, and the job's outcome is on record.
    """

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Empty the trial; Tune calls this before it saves the trial's state for the last time."""
        _forget(trial)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Empty the trial."""
        _forget(trial)


class _Ended(Trial):
    """A trial without a state for a restore."""

    def get_json_state(self) -> tuple[str, str]:
        return "{}", "{}"


def _forget(trial: Trial) -> None:
    trial.config = {}
    setattr(trial, "_Trial__unresolved_config", {})  # noqa: B010 - Tune's second reference to it
    trial.evaluated_params = {}
    trial.experiment_tag = ""
    trial.run_metadata.last_result = {}
    trial.run_metadata.metric_analysis = {}
    trial.run_metadata.metric_n_steps = {}
    trial.invalidate_json_state()
    trial.__class__ = _Ended
