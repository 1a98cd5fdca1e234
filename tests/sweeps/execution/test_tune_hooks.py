"""A free process goes to a trial for which none is starting, and to the first of those."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sweeps.execution.tune_hooks import PreferStartingActors


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
