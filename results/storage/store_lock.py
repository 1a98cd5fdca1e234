"""A lock on an object store: an object that says who holds it, and that its holder renews.

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
STALE_SECONDS = 45.0
"""After so long without a renewal its holder counts as gone."""
SETTLE_SECONDS = 1.0
"""The moment between writing the lock and reading it again."""


class StoreLock:
    """The lock of one sweep.

    Args:
        put, get, delete: of the objects of the sweep.
        beat, stale, settle: seconds, as the constants above.
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

        Raises:
            UserError: another process holds it, or has taken it over meanwhile.
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
        """Whether a holder seems alive: by its process on this machine, elsewhere by this machine's clock."""
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
        """That the holder of a lock is gone, in words."""
        if found["machine"] == self._mine["machine"] and not _is_alive(found["pid"]):
            return f"the lock of {_holder(found)} is taken over: that process is gone"
        notify(f"{_holder(found)} holds the sweep's lock; waiting up to {self._stale:g} s for a sign of life")
        end = time.monotonic() + self._stale
        while time.monotonic() < end:
            time.sleep(min(1.0, self._beat / 2))
            again = self._read()
            if again is None:
                return f"{_holder(found)} has let go of the sweep's lock"
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
                continue  # whatever happens there meanwhile is found at the next beat
            self._taken_by = found
            main = threading.main_thread().ident or 0  # it waits: the signal has to reach that very thread
            signal.pthread_kill(main, signal.SIGINT)  # the sweep ends as by Ctrl-C, after its epochs
            return

    def _check_mine(self, error: BaseException | None) -> None:
        if self._taken_by is not None:
            raise UserError(
                f"the sweep was taken over by {_holder(self._taken_by)}: this process gave no sign of life for "
                f"{self._stale:g} s; every recorded epoch is kept, and the other goes on from there"
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
    """What tells machines apart, and containers on one: a process id means something only within it."""
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    told = [boot.read_text(encoding="ascii").strip()] if boot.exists() else []
    told += [str(namespace.readlink())] if namespace.is_symlink() else []
    return " ".join([socket.gethostname(), *told])


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
