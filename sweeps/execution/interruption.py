"""Ctrl-C and SIGTERM: the first signal asks for a clean end, the second ends at once."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Within its block the first signal sets `requested`; the second raises KeyboardInterrupt in the main thread.

    Args:
        notify: called once, at the first signal, with a message for the user.

    Attributes:
        requested: whether a signal has come.
    """

    def __init__(self, notify: Callable[[str], None]) -> None:
        self._notify = notify
        self._at_once = False
        self._before: dict[int, Any] = {}
        self.requested = False

    def end_at_once(self) -> None:
        """Raise KeyboardInterrupt in the main thread, from another one."""
        self._at_once = True
        _thread.interrupt_main()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python sets handlers in no other thread
            self._before = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested or self._at_once:
            raise KeyboardInterrupt
        self.requested = True
        self._notify(
            "interrupted: each running run ends after its epoch, with a checkpoint; interrupt again to end at once"
        )
