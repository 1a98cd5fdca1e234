"""Which of Ray Tune's waiting trials takes a process that has become free."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler

from cluster.connection.connect import nodes_of_cluster
from cluster.resources.trial_resources import TrialShare, most_at_once

ASK_SECONDS = 10.0
"""So old may be what is known of the nodes, which come and go."""


class Capacity:
    """How many trials of the share that was given out last there is room for."""

    def __init__(self) -> None:
        self._share: TrialShare | None = None
        self._known, self._until = 0, -math.inf

    def given_out(self, share: TrialShare) -> None:
        """A trial with this share was made."""
        if share != self._share:
            self._share, self._until = share, -math.inf

    def __call__(self) -> int:
        """The number, on all nodes together."""
        if self._share is not None and time.monotonic() >= self._until:
            self._known = most_at_once(self._share, nodes_of_cluster())
            self._until = time.monotonic() + ASK_SECONDS
        return self._known


class PreferStartingActors(FIFOScheduler):
    """Gives a free process to the first trial that waits without a process starting for it.

    Tune starts processes for the trials that wait, in their order, as far as there is room, and would give a free
    process to the first of them: it ends the process that is just starting for that one, whose seconds of importing are
    lost, and where runs are shorter than that no second process ever comes up.

    Args:
        most_at_once: how many trials there is room for.
    """

    def __init__(self, most_at_once: Callable[[], int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._most_at_once = most_at_once

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """That trial; the last one where a process may be starting for all; none where none waits."""
        live = [trial for trial in tune_controller.get_trials() if not trial.is_finished()]
        waiting = [trial for trial in live if trial.status == Trial.PENDING]
        starting = max(self._most_at_once() - (len(live) - len(waiting)), 0)
        return waiting[min(starting, len(waiting) - 1)] if waiting else None


# FOLDED What Ray Tune remembers of trials that are over: it keeps every one to the end, and would keep their jobs, too.
class ReleaseFinishedTrials(tune.Callback):
    """Empties what ended trials hold, so that the driver's memory hardly grows with their number.

    The configuration of a trial is a whole job as text, of which Tune keeps several copies: in the trial, in its name,
    in its last result and in the state that it saves for a restore, which is never asked for. What became of the job is
    on record.
    """

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Called before the trial's state is saved for the last time."""
        _forget(trial)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        """Likewise."""
        _forget(trial)


class _Ended(Trial):
    """A trial of which nothing is saved for a restore."""

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
