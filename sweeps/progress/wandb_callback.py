"""Ray's callback for Weights & Biases, with errors of its logging processes raised."""

from __future__ import annotations

from typing import Any

import ray
from ray.air.integrations.wandb import WandbLoggerCallback
from ray.exceptions import RayTaskError


class WandbCallback(WandbLoggerCallback):
    """Logs each run by a process, and raises the error of a process that has failed, such as for a wrong key.

    Ray's own callback ignores such errors.

    Raises:
        Exception: the error of a logging process.
    """

    def log_trial_start(self, trial: Any) -> None:
        trial.init_local_path()  # the logging process works in it
        super().log_trial_start(trial)

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        self._raise_failure()
        super().log_trial_result(iteration, trial, result)

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        self._raise_failure()
        super().log_trial_end(trial, failed)

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        if logging := list(self._trial_logging_futures.values()):
            ray.wait(logging, num_returns=len(logging), timeout=self._upload_timeout)
        self._raise_failure()
        super().on_experiment_end(trials, **info)

    def _raise_failure(self) -> None:
        if logging := list(self._trial_logging_futures.values()):
            ended, _ = ray.wait(logging, num_returns=len(logging), timeout=0)
            try:
                ray.get(ended)
            except RayTaskError as error:
                raise error.cause if isinstance(error.cause, Exception) else error from error
