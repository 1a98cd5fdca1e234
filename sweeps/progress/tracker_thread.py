"""Runs one of Ray's callbacks in its own thread, where it can neither delay a sweep nor end it.

Ray calls its callbacks in the driver's loop. There a callback that raises ends the whole sweep, and one that waits for
a server delays every run. Here events wait in a queue. A callback that fails or falls far behind is switched off.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Full, Queue
from textwrap import shorten
from threading import Thread
from typing import Any, Protocol

from causalmer_core.basics.redaction import without_secrets

MOST_WAITING = 10_000
"""The largest number of events that wait for a tracker."""
_LONGEST_FAULT = 300


class RunLogger(Protocol):
    """The part of Ray's `LoggerCallback` that is used here."""

    def setup(self) -> None:
        """Called first."""
        ...

    def on_experiment_end(self, trials: list[Any]) -> None:
        """Called last."""
        ...


class Tracker:
    """A tracker over the phases of a sweep. Each phase makes a new callback.

    Args:
        name: its key in the section `tracking`.
        make: makes the callback. An exception in it switches the tracker off.

    Attributes:
        name: its key in the section `tracking`.
        fault: why the tracker is switched off; empty while it is on.
    """

    def __init__(self, name: str, make: Callable[[], RunLogger]) -> None:
        self.name = name
        self.fault = ""
        self._make = make
        self._events: Queue[tuple[str, tuple[Any, ...]] | None] = Queue(MOST_WAITING)
        self._thread: Thread | None = None

    def send(self, event: str, *about: Any) -> None:
        """Queue a call of the callback's method `event` with the arguments `about`."""
        if self.fault:
            return
        if self._thread is None:
            self._events = Queue(MOST_WAITING)
            self._thread = Thread(target=self._work, args=(self._events,), name=self.name, daemon=True)
            self._thread.start()
        try:
            self._events.put_nowait((event, about))
        except Full:
            self.fault = f"it is {MOST_WAITING} events behind"

    def finish(self, seconds: float) -> None:
        """Wait until all queued events are handled, for `seconds` at most."""
        thread, self._thread = self._thread, None
        if thread is None or self.fault:
            return
        self._events.put(None)
        thread.join(seconds)
        if thread.is_alive():
            self.fault = f"it did not finish within {seconds:g} s"

    def _work(self, events: Queue[tuple[str, tuple[Any, ...]] | None]) -> None:
        try:
            logger = self._make()
            logger.setup()
            while (event := events.get()) is not None and not self.fault:
                name, about = event
                getattr(logger, name)(*about)
            logger.on_experiment_end(trials=[])
        except (Exception, SystemExit) as error:  # no error of a tracker may end the sweep
            self.fault = shorten(
                without_secrets(f"{type(error).__name__}: {error}"), _LONGEST_FAULT, placeholder=" ..."
            )
