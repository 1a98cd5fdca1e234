"""Of a trial that is over Tune holds nothing of its job."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from ray.tune.experiment import Trial

from sweeps.execution.tune_hooks import ReleaseFinishedTrials

JOB = "a whole job as text"


@pytest.mark.parametrize(
    "end", [ReleaseFinishedTrials.on_trial_complete, ReleaseFinishedTrials.on_trial_error]
)
def test_nothing_of_the_job_is_left_once_its_trial_is_over(end: Callable[..., None]) -> None:
    trial = Trial("stub", config={"job": JOB}, evaluated_params={"job": JOB}, experiment_tag=JOB, stub=True)
    trial.run_metadata.last_result = {"config": {"job": JOB}}
    assert JOB in trial.get_json_state()[0]
    end(ReleaseFinishedTrials(), 0, [trial], trial)
    trial.set_status(Trial.TERMINATED)  # as Tune does next, before it saves its state
    assert trial.get_json_state() == ("{}", "{}")
    assert isinstance(trial, Trial)
    assert trial.is_finished()
    held: list[object] = [trial, trial.run_metadata]
    for _ in range(4):
        held += [each for each in gc.get_referents(*held) if isinstance(each, (str, dict, list))]
    assert JOB not in [each for each in held if isinstance(each, str)]
