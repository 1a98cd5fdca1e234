"""Which of Ray Tune's waiting trials takes a process that has become free."""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler


class LastWaiting(FIFOScheduler):
    """Gives a free process to the trial that was proposed last.

    Tune starts processes for the trials that wait, in their order, and would give a free process to the first of them:
    it ends the process that is just starting for that one, whose seconds of importing are lost, and where runs are
    shorter than that no second process ever comes up. The last one that waits is the least likely to have one starting.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """The last trial that waits; none where none does. Trials are never paused here."""
        trials = tune_controller.get_trials()
        return next((trial for trial in reversed(trials) if trial.status == Trial.PENDING), None)
