"""A tracker works aside: what it does is done in order, and what befalls it is its own affair."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from sweeps.progress.tracker_thread import MOST_WAITING, Tracker


class Notes:
    """A logger that notes what it is told, and fails or waits where it is told to."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.go_on = threading.Event()

    def setup(self) -> None:
        self.seen.append("setup")

    def note(self, text: str) -> None:
        self.seen.append(text)

    def fail(self, error: BaseException) -> None:
        raise error

    def wait(self) -> None:
        self.go_on.wait(30)

    def on_experiment_end(self, trials: list[Any]) -> None:
        self.seen.append("end")


def test_everything_told_is_done_in_order_before_the_end_and_every_phase_begins_anew() -> None:
    made: list[Notes] = []
    tracker = Tracker("notes", lambda: made.append(Notes()) or made[-1])  # type: ignore[func-returns-value]
    for phase in range(2):
        for n in range(100):
            tracker.send("note", f"{phase}.{n}")
        tracker.finish(30)
        assert made[phase].seen == ["setup", *(f"{phase}.{n}" for n in range(100)), "end"]
    tracker.finish(30)  # nothing was told
    assert (len(made), tracker.fault) == (2, "")


@pytest.mark.parametrize("error", [ConnectionError("no\n  server"), SystemExit("no server")])
def test_one_that_fails_is_off_and_says_why_in_a_line(error: BaseException) -> None:
    notes = Notes()
    tracker = Tracker("notes", lambda: notes)
    tracker.send("fail", error)
    tracker.finish(30)
    assert tracker.fault == f"{type(error).__name__}: no server"
    tracker.send("note", "later")
    tracker.finish(30)
    assert notes.seen == ["setup"]


def test_a_fault_is_said_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    tracker = Tracker("notes", Notes)
    tracker.send("fail", ConnectionError("https://user:canary@host refuses canary-token"))
    tracker.finish(30)
    assert tracker.fault == "ConnectionError: https://<credentials>@host refuses <MLFLOW_TRACKING_TOKEN>"


def test_one_that_cannot_be_made_is_off() -> None:
    def unusable() -> Notes:
        raise ValueError("no project is given")

    tracker = Tracker("notes", unusable)
    tracker.send("note", "first")
    tracker.finish(30)
    assert tracker.fault == "ValueError: no project is given"


def test_one_that_hangs_holds_nobody_up() -> None:
    notes = Notes()
    tracker = Tracker("notes", lambda: notes)
    tracker.send("wait")
    began = time.monotonic()
    tracker.finish(0.1)
    assert time.monotonic() - began < 10
    assert tracker.fault == "it did not finish within 0.1 s"
    notes.go_on.set()


def test_one_that_falls_behind_is_off() -> None:
    notes = Notes()
    tracker = Tracker("notes", lambda: notes)
    for _ in range(MOST_WAITING + 2):
        tracker.send("wait")
    assert tracker.fault == f"it is {MOST_WAITING} events behind"
    notes.go_on.set()
