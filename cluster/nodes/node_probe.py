"""The code that runs on a node and reports on it and on the shared storage.

It is sent to the nodes with its code, because causalmer may be missing there. So it imports only the standard library.
"""

from __future__ import annotations

import fcntl
import os
import platform
import runpy
import shutil
import socket
import subprocess
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

PACKAGES = ("causalmer", "torch", "ray", "optuna", "pyarrow")
LOCK = "lock"
ANOTHER_TEXT = "another text"
_NVIDIA_SMI = ("--query-gpu=name,driver_version", "--format=csv,noheader")


class Probe(Protocol):
    """The shared storage, in the form that is sent to the nodes."""

    def write(self, name: str, text: str) -> str | None:
        """Write a new file; return the error in words, or None."""
        ...

    def read(self, name: str, text: str) -> str | None:
        """Read a file and compare its text; return the error in words, or None."""
        ...

    def is_locked(self) -> bool | None:
        """Whether this process sees a lock that another process holds. None: unknown."""
        ...


class FolderProbe:
    """An existing folder with a lock in it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def write(self, name: str, text: str) -> str | None:
        """Write a new file and sync it to disk."""
        try:
            with (Path(self._folder) / name).open("x", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            return error.strerror or str(error)
        return None

    def read(self, name: str, text: str) -> str | None:
        """Read a file."""
        try:
            found = (Path(self._folder) / name).read_text(encoding="utf-8")
        except OSError as error:
            return error.strerror or str(error)
        return None if found == text else ANOTHER_TEXT

    def is_locked(self) -> bool | None:
        """Try to take the lock."""
        try:
            with (Path(self._folder) / LOCK).open("r+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return None
        return False


class Inspector:
    """An actor on a node, during a check."""

    def facts(self) -> dict[str, object]:
        """Name, memory in bytes, Python, packages' versions (None: not installed), CUDA, GPUs and their driver."""
        gpus = _gpus()
        return {
            "host": socket.gethostname(),
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "python": platform.python_version(),
            "versions": {name: _version(name) for name in PACKAGES},
            "cuda": _cuda(),
            "gpu_models": [name for name, _ in gpus],
            "driver": gpus[0][1] if gpus else None,
        }

    def clock(self) -> float:
        """The node's time, in seconds since 1970."""
        return time.time()

    def writes(self, probe: Probe, name: str, text: str) -> str | None:
        """Write a file into the shared storage; return the error in words, or None."""
        return probe.write(name, text)

    def reads(self, probe: Probe, texts: dict[str, str]) -> dict[str, str]:
        """The errors from reading files, by name; files with the right text are left out."""
        wrong = {name: probe.read(name, text) for name, text in texts.items()}
        return {name: reason for name, reason in wrong.items() if reason is not None}

    def is_locked(self, probe: Probe) -> bool | None:
        """Whether this node sees the probe's lock, which another process holds. None: unknown."""
        return probe.is_locked()

    def lacks(self, paths: list[str]) -> list[str]:
        """The paths that are missing or not readable."""
        return [path for path in paths if not os.access(path, os.R_OK)]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cuda() -> str | None:
    """The CUDA version that torch was built for."""
    # Importing torch would take seconds.
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    found = runpy.run_path(str(Path(spec.origin).with_name("version.py"))).get("cuda")
    return None if found is None else str(found)


def _gpus() -> list[tuple[str, str]]:
    """The names of the GPUs and the version of their driver, from nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, *_NVIDIA_SMI]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    rows = [line.rpartition(",") for line in done.stdout.splitlines()] if done.returncode == 0 else []
    return [(name.strip(), driver.strip()) for name, _, driver in rows]
