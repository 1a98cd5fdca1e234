"""A lock on an object store: an object with its holder's name, which the holder renews.

pyarrow has no conditional put, so this is weaker than a lock on a disk. A process that takes the lock writes it, waits
a moment and reads it again. Of two processes that start together one finds the other's name and gives way, unless a
write takes longer than that moment. A holder reads before each renewal, and stops if it finds another's name.

The library obstore has a conditional put, which would close that gap (tried on the tests' S3 server: a second create
and an update of a stale version are rejected). It is not used: it would be one more dependency.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from causalmer_core.basics.errors import UserError
from results.storage.store_error import StoreError

NAME = ".lock.json"
BEAT_SECONDS = 10.0
"""The seconds between renewals."""
STALE_SECONDS = 45.0
"""The seconds without a renewal after which the holder counts as gone."""
SETTLE_SECONDS = 1.0
"""The seconds between writing the lock and reading it again."""


class StoreLock:
    """The lock of one sweep.

    Args:
        put, get, delete: write, read and delete an object of the sweep by name.
        beat, stale, settle: seconds (see `BEAT_SECONDS`, `STALE_SECONDS`, `SETTLE_SECONDS`).
    """

    def __init__(
        self,
        put: Callable[[str, bytes], None],
        get: Callable[[str], bytes | None],
        delete: Callable[[str], None],
        *,
        beat: float = BEAT_SECONDS,
        stale: float = STALE_SECONDS,
        settle: float = SETTLE_SECONDS,
    ) -> None:
        self._put, self._get, self._delete = put, get, delete
        self._beat, self._stale, self._settle = beat, stale, settle
        self._mine = {
            "owner": secrets.token_hex(8),
            "host": socket.gethostname(),
            "machine": _machine(),
            "pid": os.getpid(),
        }
        self._beats = 0
        self._over = threading.Event()
        self._taken_by: dict[str, Any] | None = None

    @contextmanager
    def held(self, busy: str, notify: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock within the block. A lock whose holder is gone is taken over.

        Args:
            busy: the start of the error message if another process holds the lock.
            notify: called with messages for the user.

        Raises:
            UserError: another process holds the lock, or has taken it over in the meantime.
            StoreError: the store does not answer.
        """
        self._take(busy, notify)
        renewing = threading.Thread(target=self._renew_on, daemon=True)
        renewing.start()
        try:
            yield
        except KeyboardInterrupt as error:
            self._check_mine(error)
            raise
        finally:
            self._over.set()
            renewing.join()
            if self._taken_by is None and self._is_mine(self._read()):
                self._delete(NAME)
        self._check_mine(None)

    def is_held(self) -> bool:
        """Whether a holder seems alive.

        On this machine the holder's process decides, elsewhere the age of its last renewal by this machine's clock.
        """
        found = self._read()
        if found is None:
            return False
        if found["machine"] == self._mine["machine"]:
            return _is_alive(found["pid"])
        age = datetime.now(UTC) - datetime.fromisoformat(found["time"])
        return abs(age.total_seconds()) < self._stale

    def _take(self, busy: str, notify: Callable[[str], None]) -> None:
        found = self._read()
        if found is not None:
            notify(self._end_of(found, busy, notify))
        self._write()
        time.sleep(self._settle)
        found = self._read()
        if found is not None and not self._is_mine(found):
            raise UserError(f"{busy} ({_holder(found)} began it at the same moment)")

    def _end_of(self, found: dict[str, Any], busy: str, notify: Callable[[str], None]) -> str:
        """Wait for the end of another holder. Returns how it ended, in words."""
        if found["machine"] == self._mine["machine"] and not _is_alive(found["pid"]):
            return f"the lock of {_holder(found)} is taken over: that process is gone"
        notify(f"{_holder(found)} holds the sweep's lock; waiting up to {self._stale:g} s for a sign of life")
        end = time.monotonic() + self._stale
        while time.monotonic() < end:
            time.sleep(min(1.0, self._beat / 2))
            again = self._read()
            if again is None:
                return f"{_holder(found)} has released the sweep's lock"
            if again != found:
                raise UserError(f"{busy} ({_holder(again)} holds its lock)")
        return f"the lock of {_holder(found)} is taken over: no sign of life for {self._stale:g} s"

    def _renew_on(self) -> None:
        while not self._over.wait(self._beat):
            try:
                found = self._read()
                if found is None or self._is_mine(found):
                    self._write()
                    continue
            except StoreError:
                continue  # the next renewal finds a change of the lock in the meantime
            self._taken_by = found
            main = (
                threading.main_thread().ident or 0
            )  # the main thread waits, so the signal must reach this thread
            signal.pthread_kill(
                main, signal.SIGINT
            )  # the sweep ends as after Ctrl-C, at the end of its epochs
            return

    def _check_mine(self, error: BaseException | None) -> None:
        if self._taken_by is not None:
            raise UserError(
                f"the sweep was taken over by {_holder(self._taken_by)}: this process gave no sign of life for "
                f"{self._stale:g} s; every recorded epoch is kept, and the other process continues"
            ) from error

    def _read(self) -> dict[str, Any] | None:
        data = self._get(NAME)
        try:
            return None if data is None else dict(json.loads(data))
        except ValueError as error:
            raise UserError(f"the lock {NAME} of the sweep is not one of ours: {error}; remove it") from error

    def _write(self) -> None:
        self._beats += 1
        time = datetime.now(UTC).isoformat(timespec="microseconds")
        self._put(NAME, json.dumps({**self._mine, "beats": self._beats, "time": time}).encode())

    def _is_mine(self, found: dict[str, Any] | None) -> bool:
        return found is not None and found["owner"] == self._mine["owner"]


def _machine() -> str:
    """The identity of this machine and container, within which a process id is unique."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [boot.read_text(encoding="ascii").strip()] if boot.exists() else []
    parts += [str(namespace.readlink())] if namespace.is_symlink() else []
    return " ".join([socket.gethostname(), *parts])


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _holder(found: dict[str, Any]) -> str:
    return f"process {found['pid']} on {found['host']}"
