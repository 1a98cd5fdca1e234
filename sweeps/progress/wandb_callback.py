"""Ray's callback for Weights & Biases, with errors of its processes raised and its key in no log."""

from __future__ import annotations

import os
from typing import Any

import ray
from ray.air.integrations.wandb import WANDB_ENV_VAR, WandbLoggerCallback, _WandbLoggingActor
from ray.exceptions import RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy


class _LoggingProcess(_WandbLoggingActor):
    """Ray's process that logs a run, with the key as an argument.

    Args:
        api_key: the key. None: that of this process's environment, or of `wandb login`.
    """

    def __init__(self, *args: Any, api_key: str | None, **kwargs: Any) -> None:
        if api_key is not None:
            os.environ[WANDB_ENV_VAR] = api_key
        super().__init__(*args, **kwargs)


class WandbCallback(WandbLoggerCallback):
    """Logs each run by a process, and raises the error of a process that has failed, such as for a wrong key.

    Ray's own callback ignores such errors. It also sends the key in a runtime environment, which Ray writes into logs
    that every user of the machine can read; here the key is an argument, which Ray writes nowhere.

    Raises:
        Exception: the error of a logging process.
    """

    def setup(self, *args: Any, **kwargs: Any) -> None:
        super().setup(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.kwargs["api_key"] = os.environ.get(WANDB_ENV_VAR)
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._remote_logger_class: Any = ray.remote(_LoggingProcess).options(
            num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here
        )

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
