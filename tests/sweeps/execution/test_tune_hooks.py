"""What Tune sends to processes, and which trial gets a free one: the first for which none is starting."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from ray.tune.execution import class_cache

from sweeps.execution.trainable import JobTrainable
from sweeps.execution.tune_hooks import PreferStartingActors, send_no_environment


@dataclass
class StandIn:
    """What is asked of a trial of Ray's."""

    name: str
    status: str

    def is_finished(self) -> bool:
        return self.status in ("TERMINATED", "ERROR")


@dataclass
class Controller:
    """What is asked of Tune."""

    trials: list[StandIn]

    def get_trials(self) -> list[StandIn]:
        return self.trials


@pytest.mark.parametrize(
    ("room", "statuses", "chosen"),
    [
        (2, "TRPPP", "3"),  # a process is starting for the first that waits
        (2, "RRPP", "2"),  # none can be starting
        (4, "RPPPPP", "4"),  # three are
        (4, "RPP", "2"),  # for all that wait one may be starting: the last loses least
        (1, "TP", "1"),
        (2, "TTRR", None),
        (0, "PP", "0"),
    ],
)
def test_the_first_behind_those_that_are_starting_is_chosen(
    room: int, statuses: str, chosen: str | None
) -> None:
    words = {"T": "TERMINATED", "R": "RUNNING", "P": "PENDING"}
    trials = [StandIn(str(place), words[status]) for place, status in enumerate(statuses)]
    found = PreferStartingActors(lambda: room).choose_trial_to_run(Controller(trials))
    assert (None if found is None else found.name) == chosen


def test_the_processes_that_train_are_sent_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setattr(class_cache, "ENV_VARS_TO_PROPAGATE", {"AWS_SECRET_ACCESS_KEY"})
    assert "canary" in sent_to_processes(), "Ray has another way by now"
    send_no_environment()
    assert "canary" not in sent_to_processes()


def sent_to_processes() -> str:
    """All options of the processes that Tune would start."""
    return str(vars(class_cache._ActorClassCache().get(JobTrainable)))
