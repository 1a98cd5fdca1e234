"""One of Ray's callbacks in a thread of its own: it can neither hold up a sweep nor end it.

Ray calls its callbacks in the driver's loop, where one that raises ends the whole sweep and one that waits for a server
holds up every run. Here events wait in a queue; where the callback fails or falls far behind it is switched off.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Full, Queue
from textwrap import shorten
from threading import Thread
from typing import Any, Protocol

MOST_WAITING = 10_000
"""Events that a tracker may be behind."""
_LONGEST_FAULT = 300


class RunLogger(Protocol):
    """What is asked of Ray's `LoggerCallback`."""

    def setup(self) -> None:
        """Called first."""
        ...

    def on_experiment_end(self, trials: list[Any]) -> None:
        """Called last."""
        ...


class Tracker:
    """A tracker over the phases of a sweep; each begins it anew.

    Args:
        name: its key in the section `tracking`.
        make: makes the callback. What it raises switches the tracker off.

    Attributes:
        fault: why it is off; empty: it is not.
    """

    def __init__(self, name: str, make: Callable[[], RunLogger]) -> None:
        self.name = name
        self.fault = ""
        self._make = make
        self._events: Queue[tuple[str, tuple[Any, ...]] | None] = Queue(MOST_WAITING)
        self._thread: Thread | None = None

    def tell(self, event: str, *about: Any) -> None:
        """Have a method of the callback called, soon."""
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
        """Wait until all that was told is done, but so long at most."""
        thread, self._thread = self._thread, None
        if thread is None or self.fault:
            return
        self._events.put(None)
        thread.join(seconds)
        if thread.is_alive():
            self.fault = f"it did not come to an end within {seconds:g} s"

    def _work(self, events: Queue[tuple[str, tuple[Any, ...]] | None]) -> None:
        try:
            logger = self._make()
            logger.setup()
            while (event := events.get()) is not None and not self.fault:
                name, about = event
                getattr(logger, name)(*about)
            logger.on_experiment_end(trials=[])
        except (Exception, SystemExit) as error:  # whatever befalls a tracker, the sweep goes on without it
            self.fault = shorten(f"{type(error).__name__}: {error}", _LONGEST_FAULT, placeholder=" ...")
