"""What a node says of itself and of a place that it shares with others. It is sent to nodes as text, for causalmer may
be missing there: it knows nothing but Python's own library.
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
    """A place that all nodes share, or should, as it is sent to them."""

    def write(self, name: str, text: str) -> str | None:
        """Write a file that is not there yet; what went wrong."""
        ...

    def read(self, name: str, text: str) -> str | None:
        """Read a file; what went wrong, or that it holds another text."""
        ...

    def is_locked(self) -> bool | None:
        """Whether a lock that another process holds is held against this one; none: it cannot be tried."""
        ...


class FolderProbe:
    """A folder that is there, with a lock in it."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def write(self, name: str, text: str) -> str | None:
        """Write a file that is not there yet, down to the disk."""
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
    """Lives on a node while it is looked at."""

    def facts(self) -> dict[str, object]:
        """Name, memory in bytes, Python, packages' versions (none: not installed), CUDA, GPUs and their driver."""
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
        """Write a file into the place that all share; what went wrong."""
        return probe.write(name, text)

    def reads(self, probe: Probe, texts: dict[str, str]) -> dict[str, str]:
        """What went wrong with reading files, by their names; those that say what they should are left out."""
        wrong = {name: probe.read(name, text) for name, text in texts.items()}
        return {name: reason for name, reason in wrong.items() if reason is not None}

    def is_locked(self, probe: Probe) -> bool | None:
        """Whether the probe's lock, which someone holds, is held against this node; none: it cannot be tried."""
        return probe.is_locked()

    def lacks(self, paths: list[str]) -> list[str]:
        """Which of the paths are not there, or not to be read."""
        return [path for path in paths if not os.access(path, os.R_OK)]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _cuda() -> str | None:
    """The CUDA that torch was built for, without the seconds that importing torch takes."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    found = runpy.run_path(str(Path(spec.origin).with_name("version.py"))).get("cuda")
    return None if found is None else str(found)


def _gpus() -> list[tuple[str, str]]:
    """Names of the GPUs and their driver, as NVIDIA's own program says."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, *_NVIDIA_SMI]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603
    rows = [line.rpartition(",") for line in done.stdout.splitlines()] if done.returncode == 0 else []
    return [(name.strip(), driver.strip()) for name, _, driver in rows]
