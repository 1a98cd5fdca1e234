"""What Ray Tune remembers of trials that are over: it keeps every one to the end, and would keep their jobs, too."""

from __future__ import annotations

from typing import Any

from ray import tune
from ray.tune.experiment import Trial


class ForgetEnded(tune.Callback):
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
