"""Ray's callback for Weights & Biases, whose processes fail aloud."""

from __future__ import annotations

from typing import Any

import ray
from ray.air.integrations.wandb import WandbLoggerCallback
from ray.exceptions import RayTaskError


class WandbCallback(WandbLoggerCallback):
    """A process for each run logs it. Ray's callback looks at none of them, such as where the key is wrong.

    Raises:
        Exception: what one of them raised.
    """

    def log_trial_start(self, trial: Any) -> None:
        trial.init_local_path()  # they work in it
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
